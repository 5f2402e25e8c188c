// Where prototypes are frozen (some sandboxes do that), prints what became of names that they have too.
import { init, logEvent, shutdown, stats, updateConfig } from '../../pkg/dist/index.js';

Object.freeze(Object.prototype);
const [baseUrl] = process.argv.slice(2);
init({
  serviceName: 'frozen',
  store: 'memory',
  batch: { baseUrl },
  context: Object.fromEntries([['toString', 1]]),
});
updateConfig({ sampling: Object.fromEntries([['toString', { sample_rate: 0 }]]) });
updateConfig({ sampling: Object.fromEntries([['valueOf', { sample_rate: 1 }]]) });
logEvent('toString');
logEvent('valueOf', Object.fromEntries([['toString', 2]]));
await shutdown();
console.log(JSON.stringify(stats()));
