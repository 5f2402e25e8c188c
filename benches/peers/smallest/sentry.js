import { init, logger } from '@sentry/browser';

init({ dsn: 'http://public@127.0.0.1/1', enableLogs: true });
logger.info('started');
