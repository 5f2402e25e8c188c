import { init, logEvent } from '../../../pkg/dist/browser.js';

init({ serviceName: 'smallest' });
logEvent('started');
