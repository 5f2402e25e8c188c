// Structured logs, which Sentry batches by itself.
import * as Sentry from '#sentry';

export function start({ url }) {
  const { host, pathname } = new URL(url);
  Sentry.init({
    dsn: `http://public@${host}${pathname}/1`,
    enableLogs: true,
    // Else it drops what waits for an answer.
    transportOptions: { bufferSize: 1_000 },
  });
  return {
    log: (name, fields) => Sentry.logger.info(name, fields),
    flush: () => Sentry.flush(5_000),
    close: () => Sentry.close(1_000),
  };
}
