/**
 * Lets pages of these origins send, and read the answer.
 * @param {(origin: string) => boolean} allowed
 */
export function cors(allowed) {
  return (request, response) => {
    const { origin } = request.headers;
    response.setHeader('Vary', 'Origin');
    const known = origin !== undefined && allowed(origin);
    if (known) {
      response.setHeader('Access-Control-Allow-Origin', origin);
      response.setHeader('Access-Control-Expose-Headers', 'Retry-After');
    }
    if (request.method !== 'OPTIONS') return false;
    const headers = known && {
      'Access-Control-Allow-Methods': 'GET, POST, PUT',
      'Access-Control-Allow-Headers': request.headers['access-control-request-headers'] ?? '',
      'Access-Control-Max-Age': '600',
    };
    response.writeHead(204, headers || {}).end();
    return true;
  };
}
