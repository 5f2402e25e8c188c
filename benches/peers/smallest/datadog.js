import { datadogLogs } from '@datadog/browser-logs';

datadogLogs.init({ clientToken: 'pub_smallest' });
datadogLogs.logger.info('started');
