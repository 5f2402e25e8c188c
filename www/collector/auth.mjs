import { createHash, timingSafeEqual } from 'node:crypto';
import { HttpError } from './http.mjs';

/** @param {string} [token] none: everybody may send */
export function bearer(token) {
  if (token === undefined) return () => {};
  const digest = (text) => createHash('sha256').update(text).digest();
  const expected = digest(`Bearer ${token}`);
  return (request) => {
    // Digests have one length, and comparing them takes the same time wherever they differ.
    if (timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) return;
    throw new HttpError(401, 'the Authorization header does not hold the token of this endpoint', {
      'WWW-Authenticate': 'Bearer',
    });
  };
}
