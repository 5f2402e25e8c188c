import { FetchTransport, initializeFaro } from '@grafana/faro-web-sdk';

export function start({ url, batch, hold }) {
  const faro = initializeFaro({
    app: { name: 'bench' },
    batching: { itemLimit: batch, sendTimeout: hold ? 60_000 : 50 },
    dedupe: false,
    // Else it drops what waits for an answer.
    transports: [new FetchTransport({ url: `${url}/collect`, bufferSize: 1_000 })],
  });
  return {
    log: (name, fields) => faro.api.pushEvent(name, fields),
    // It sends by a timer.
    flush: () => new Promise((resolve) => setTimeout(resolve, 100)),
  };
}
