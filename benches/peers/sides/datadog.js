import { datadogLogs } from '@datadog/browser-logs';

// It drops what exceeds 3,000 a minute and status.
const statuses = ['debug', 'info', 'notice', 'warn', 'error', 'critical', 'alert', 'emerg'];

export function start({ url }) {
  datadogLogs.init({
    clientToken: 'pub_bench',
    proxy: `${url}/logs`,
    service: 'bench',
    sessionSampleRate: 100,
    telemetrySampleRate: 0,
  });
  let logged = 0;
  return {
    log(name, fields) {
      logged += 1;
      datadogLogs.logger.log(name, fields, statuses[logged % statuses.length]);
    },
    // It sends by itself: 50 messages or 16 KiB at a time.
    flush: () => new Promise((resolve) => setTimeout(resolve, 200)),
  };
}
