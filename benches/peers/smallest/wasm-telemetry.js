import { init, logEvent } from '../../../pkg/dist/index.js';

init({ serviceName: 'smallest' });
logEvent('started');
