import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { HttpError } from '../http.mjs';

export const MAX_ROWS = 500;

const PROCESS = fileURLToPath(new URL('./query-process.mjs', import.meta.url));
const TIMEOUT_MILLIS = 3_000;
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/**
 * Runs a SELECT in a process of its own: SQLite works synchronously, and a query without an end
 * would hold up every batch behind it.
 */
export function runQuery(file, sql) {
  const query = typeof sql === 'string' ? sql.trim().replace(/;+$/, '') : '';
  if (query === '') throw new HttpError(400, 'sql must be the text of a SELECT');
  if (!/^(select|with|values)\b/i.test(query)) {
    throw new HttpError(400, 'only a SELECT can be run here');
  }
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [PROCESS, file],
      { timeout: TIMEOUT_MILLIS, killSignal: 'SIGKILL', maxBuffer: MAX_ANSWER_BYTES },
      (error, stdout) => {
        if (error?.killed) {
          return reject(
            error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER'
              ? new HttpError(413, 'the answer is too large: choose fewer columns or rows')
              : new HttpError(408, `the query took longer than ${TIMEOUT_MILLIS} ms`),
          );
        }
        if (error) return reject(new HttpError(500, 'the query could not be run'));
        const answer = JSON.parse(stdout);
        if (answer.error) return reject(new HttpError(400, answer.error));
        resolve(answer);
      },
    );
    // A process that ended early has said why already.
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify({ sql: query, limit: MAX_ROWS }));
  });
}
