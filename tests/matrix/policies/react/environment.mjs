// A component that logs, rendered in Node first and brought to life in a page.
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { versionOf } from '../../support/environments.mjs';

/** @type {import('../../support/environments.mjs').Environment[]} */
export const environments = [
  {
    name: `React ${versionOf(import.meta.url, 'react')}, rendered in Node`,
    events: ['mounted', 'clicked'],
    async run({ project, server, problems, exec, visit }) {
      const html = await exec('node', ['render.js']);
      assert.match(html, /^<button[^\n]+<\/button>\n$/, 'nothing else is printed');
      assert.equal(server.requests.length, 0, 'nothing is sent');
      assert.ok(!existsSync(join(project, 'home')), 'nothing is written');

      await build({
        absWorkingDir: project,
        entryPoints: ['hydrate.js'],
        outfile: 'site/main.js',
        bundle: true,
        define: { 'process.env.NODE_ENV': '"development"' },
        logLevel: 'error',
      });
      writeFileSync(
        join(project, 'site', 'index.html'),
        `<!doctype html><title>react</title><link rel="icon" href="data:,">
         <div id="root">${html.trim()}</div><script src="main.js"></script>`,
      );
      const page = await visit('/', 'site');
      await page.waitForFunction('document.title === "mounted"');
      await page.click('button');
      // React tells there what it had to render again.
      assert.deepEqual(problems, []);
      return 'importing has no side effect; hydrated in Chromium';
    },
  },
];
