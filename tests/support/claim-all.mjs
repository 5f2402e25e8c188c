// Claims every record of a folder that it can, and prints the keys. Begins when its input ends.
import { openFiles } from '../../pkg/src/files.js';

const [directory, lease] = process.argv.slice(2);
const store = openFiles(directory);
const entries = store.list();
process.stdout.write('listed\n');
process.stdin.resume().on('end', () => {
  const won = entries.filter((entry) => store.claim(entry, Number(lease), 0));
  process.stdout.write(won.map(({ key }) => `${key}\n`).join(''));
});
