// The environments that need next to nothing installed; `make matrix` has all of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environments, packed, prepare } from './support/environments.mjs';
import { run } from './support/lab.mjs';

const quick = (await environments()).filter((environment) => environment.quick);
const unpacked = packed();

for (const environment of quick) {
  test(`${environment.group}: ${environment.name}`, async () => {
    prepare(environment, unpacked);
    const { reason } = await run(environment);
    assert.equal(reason, undefined, reason);
  });
}
