import { StatsigClient } from '@statsig/js-client';

export function start({ url, batch }) {
  const client = new StatsigClient(
    'client-bench',
    { userID: 'somebody' },
    {
      loggingBufferMaxSize: batch,
      loggingEnabled: 'always',
      networkConfig: { api: `${url}/v1`, logEventUrl: `${url}/v1/rgstr`, logEventFallbackUrls: [] },
      logLevel: 0,
    },
  );
  // What it would fetch: no gates, no experiments.
  client.dataAdapter.setData(JSON.stringify({ has_updates: true, time: 1 }));
  client.initializeSync({ disableBackgroundCacheRefresh: true });
  return {
    log: (name, fields) => client.logEvent(name, undefined, fields),
    flush: () => client.flush(),
    close: () => client.shutdown(),
  };
}
