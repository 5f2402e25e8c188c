/** The collector's side of the demo, apart from ingestion, which is the package's business. */
export const collector = {
  state: () => call('GET', '/api/state'),
  batches: (limit) => call('GET', `/api/batches?limit=${limit}`),
  features: () => call('GET', '/api/features'),
  config: () => call('GET', '/api/config'),
  setConfig: (config) => call('PUT', '/api/config', config),
  setFaults: (faults) => call('PUT', '/api/faults', faults),
  query: (sql) => call('POST', '/api/query', { sql }),
};

async function call(method, path, value) {
  const response = await fetch(path, {
    method,
    headers: value === undefined ? {} : { 'Content-Type': 'application/json' },
    body: value === undefined ? undefined : JSON.stringify(value),
  });
  const body = await response.json();
  if (!response.ok) throw new Error(body.error.message);
  return body;
}
