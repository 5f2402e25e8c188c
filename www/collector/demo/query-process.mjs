// Started by query.mjs for one query: reads {sql, limit} from standard input, writes JSON.

import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import Database from 'libsql';

const { sql, limit } = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify(answer(process.argv[2])));

function answer(file) {
  // libsql overlooks its `readonly` option; the URI's mode holds.
  const db = new Database(`${pathToFileURL(file).href}?mode=ro`);
  try {
    // Inside a FROM only a query parses, and the limit cannot be left out. The line break ends a comment.
    const statement = db.prepare(`SELECT * FROM (${sql}\n) LIMIT ${limit + 1}`);
    const columns = statement.columns().map((column) => column.name);
    const rows = statement.raw().all();
    return { columns, rows: rows.slice(0, limit), truncated: rows.length > limit };
  } catch (error) {
    return { error: error.message };
  } finally {
    db.close();
  }
}
