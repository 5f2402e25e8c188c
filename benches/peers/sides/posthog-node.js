import { PostHog } from 'posthog-node';

export function start({ url, batch, queue, delayMillis }) {
  const client = new PostHog('phc_bench', {
    host: url,
    flushAt: batch,
    maxBatchSize: batch,
    maxQueueSize: queue,
    flushInterval: delayMillis,
    disableGeoip: true,
  });
  return {
    log: (event, properties) => client.capture({ distinctId: 'somebody', event, properties }),
    flush: () => client.flush(),
    close: () => client.shutdown(1_000),
  };
}
