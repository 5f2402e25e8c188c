// Drives the demo's page in headless Chromium through outages and switches, as a visitor would, and
// then asks the database. Every event of the page carries a number that counts on across reloads, so
// a lost one is a hole and a doubled one is a repetition.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

const LIMIT_MILLIS = 60_000;
const POLL_MILLIS = 50;
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/** One row for each number that a page's event carries. */
const NUMBERED = `(
  SELECT json_extract(event_metadata, '$.n') AS n, event_name FROM events
  WHERE service = 'demo-shop'
  UNION ALL
  SELECT json_extract(experiment_metadata, '$.n'), 'exposure' FROM exposures
  WHERE service = 'demo-shop')`;

/**
 * @typedef {object} Options
 * @property {string} address of the collector that serves the page
 * @property {string} screenshot where to put the picture of the page after the outage
 * @property {number} left finished runs of the command-line example that arrived
 * @property {boolean} otlp whether there is an OpenTelemetry collector in the path
 */

/** @returns {Promise<number>} how many checks failed */
export async function checkDemo(/** @type {Options} */ options) {
  const browser = await chromium.launch({
    executablePath: findBrowser(),
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
      ...['--disable-background-networking', '--disable-component-update'],
    ],
  });
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    /** @type {string[]} */
    const pageErrors = [];
    page.on('pageerror', (error) => pageErrors.push(String(error.stack)));
    page.on('console', (message) => {
      // What the outages that follow make the browser say is no error of the page's.
      const isOutage = message.text().startsWith('Failed to load resource');
      const isTrouble = ['error', 'warning'].includes(message.type());
      if (isTrouble && !isOutage) pageErrors.push(message.text());
    });
    await page.goto(options.address);
    return await runChecks({ ...options, page, pageErrors });
  } finally {
    await browser.close();
  }
}

/** @typedef {Options & { page: import('playwright-core').Page, pageErrors: string[] }} Setting */

async function runChecks(/** @type {Setting} */ setting) {
  const { address, screenshot, left, otlp, page, pageErrors } = setting;
  const tally = { passed: 0, failed: 0 };
  console.log();

  async function check(/** @type {string} */ name, /** @type {() => Promise<unknown>} */ body) {
    try {
      const detail = await body();
      tally.passed += 1;
      console.log(`PASS  ${name}${detail ? `: ${detail}` : ''}`);
    } catch (error) {
      tally.failed += 1;
      const { message } = /** @type {Error} */ (error);
      console.log(`FAIL  ${name}: ${message}`);
      console.log(`      ${JSON.stringify(await stats().catch(String))}`);
    }
  }

  const stats = async () => /** @type {any} */ (await page.evaluate('demo.stats()'));
  const lastNumber = async () => Number(await page.evaluate('demo.lastNumber()'));
  const tick = (/** @type {string} */ selector) => page.locator(selector).click();
  const serverMode = async (/** @type {string} */ mode) => {
    await tick(`#modes [value=${mode}]`);
    await until(`the server is ${mode}`, async () => (await faults()).mode === mode);
  };
  const faults = async () => (await get(address, '/api/state')).faults;

  const settled = () =>
    until('everything is delivered', async () => {
      const { ledger, store } = await stats();
      const waiting = ledger.queued + ledger.inFlight + ledger.stored + store.events;
      return waiting === 0 && ledger.accepted > 0;
    });

  /** Every number from `first` up to the page's last is in the database, and none of them twice. */
  async function complete(first = 1, last = lastNumber) {
    let found = { count: 0, distinct: 0, last: 0 };
    await until(
      'every number is in the database',
      async () => {
        const end = await last();
        const [count, distinct] = await row(
          address,
          `SELECT count(*), count(DISTINCT n) FROM ${NUMBERED} WHERE n BETWEEN ${first} AND ${end}`,
        );
        found = { count, distinct, last: end };
        return distinct === end - first + 1 && end >= first;
      },
      () => `${found.distinct} of the numbers ${first} to ${found.last}`,
    );
    equal('rows', found.count, found.distinct);
    return `${found.distinct} logged, ${found.distinct} arrived, each once`;
  }

  async function balanced() {
    equal('the imbalance', await page.evaluate('demo.imbalance()'), 0);
    equal('dropped', JSON.stringify((await stats()).ledger.dropped), '{}');
    equal('the verdict', await page.locator('#verdict').textContent(), '✓ balanced');
  }

  await check(
    'the command line’s first run, ended by process.exit(), arrived with the second',
    async () => truth('its end arrived', left >= 1),
  );

  await check('the page runs under its Content-Security-Policy', () =>
    until('it is running', async () => (await stats()).state === 'running'),
  );

  if (otlp) {
    await check('it sends OTLP to where only the OpenTelemetry collector takes it', async () => {
      const { format, batch } = (await stats()).config;
      equal('the format', format, 'otlp-protobuf');
      equal('the path', batch.path, '/v1/logs');
    });
  }

  await check('what a visitor does arrives', async () => {
    await tick('.tile >> nth=1');
    await tick('.detail .strong');
    await tick('text=Basket 1');
    await page.goBack();
    await page.goForward();
    await tick('.checkout');
    for (let i = 0; i < 4; i += 1) await tick('#new-visitor');
    await settled();
    return complete();
  });

  await check('Web Vitals, clicks, views and exposures are among it', async () => {
    const [names] = await row(address, `SELECT group_concat(DISTINCT event_name) FROM ${NUMBERED}`);
    for (const name of ['web_vital', 'click', 'view_shown', 'checkout_started', 'exposure']) {
      truth(`${name} arrived`, String(names).split(',').includes(name));
    }
    const [variations] = await row(
      address,
      `SELECT count(*) FROM exposures WHERE experiment_id = 'checkout-button' AND variation_id < 3`,
    );
    return `${variations} exposures`;
  });

  await check('in an outage events wait in the store', async () => {
    await serverMode('down');
    for (let i = 0; i < 5; i += 1) {
      await tick('#log-many');
      await tick('#new-visitor');
    }
    await until('something is stored', async () => (await stats()).ledger.stored > 0);
    await balanced();
    return `${(await stats()).ledger.stored} stored`;
  });

  await check('a reload in the outage finds them again', async () => {
    await page.reload();
    await until('500 are in the store', async () => (await stats()).store.events >= 500);
    await until('the page shows it', () => page.evaluate('+stored.textContent >= 500'));
    await tick('#log-many');
    return `${(await stats()).store.events} stored`;
  });

  await check('after the outage everything is there exactly once', async () => {
    await serverMode('ok');
    await settled();
    return complete();
  });
  await check('the ledger is balanced and nothing was dropped', balanced);
  await page.screenshot({ path: screenshot });

  await check('the server’s count agrees with the numbers, and no batch is missing', async () => {
    const { services, missingBatches, invalidBatches } = await get(address, '/api/state');
    const shop = services.find((/** @type {any} */ { service }) => service === 'demo-shop');
    equal('events and exposures', shop.events + shop.exposures, await lastNumber());
    equal('missing batches', missingBatches, 0);
    equal('invalid batches', invalidBatches, 0);
    return `${shop.duplicates} duplicates thrown away`;
  });

  await check('429 with Retry-After: the client waits as it was told', async () => {
    await page.locator('#retry-after').fill('8');
    await page.locator('#retry-after').blur();
    await until('it is set', async () => (await faults()).retryAfterSeconds === 8);
    await serverMode('throttle');
    await tick('#log-many');
    // The page's own backoff ends at 4 seconds: a longer wait can only be the server's word.
    await until('the next attempt is more than 4 seconds away', () =>
      page.evaluate('(demo.stats().endpoint.retryAt ?? 0) - Date.now() > 4000'),
    );
    await serverMode('ok');
    await settled();
    return complete();
  });

  await check('slow answers: events are in flight, and counted once', async () => {
    await serverMode('slow');
    await tick('#log-many');
    await until('they are in flight', async () => (await stats()).ledger.inFlight >= 100);
    await balanced();
    await serverMode('ok');
    await settled();
    return complete();
  });

  await check('500: events wait in the store', async () => {
    await serverMode('error500');
    await tick('#log-many');
    await until('they are stored', async () => (await stats()).ledger.stored >= 100);
    await serverMode('ok');
    await settled();
    return complete();
  });

  await check('remote configuration: batches of 10, sent after 100 ms', async () => {
    await page.locator('#batch-size').fill('10');
    await page.locator('#delay-millis').fill('100');
    await page.locator('#delay-millis').blur();
    await until('it is in force', async () => {
      const { batch } = (await stats()).config;
      return batch.maxExportBatchSize === 10 && batch.scheduledDelayMillis === 100;
    });
    await complete();
    const [switched] = await row(address, 'SELECT count(*) FROM batches');
    await tick('#log-many');
    await complete();
    const [batches, largest] = await row(
      address,
      `SELECT count(*), max(events + exposures) FROM
       (SELECT * FROM batches ORDER BY rowid LIMIT -1 OFFSET ${switched})`,
    );
    truth('at least 10 batches', batches >= 10);
    truth(`the largest of ${largest} holds 10 at most`, largest <= 10);
    return `${batches} batches`;
  });

  await check('remote configuration: a broken patch is told and harms nothing', async () => {
    await put(address, '/api/config', { batch: { maxQueueSize: 'many' }, newer: 1 });
    const report = page.locator('#config-report');
    await until('both paths are told', async () => {
      const text = (await report.textContent()) ?? '';
      return text.includes('maxQueueSize') && text.includes('newer');
    });
    await put(address, '/api/config', {
      batch: { maxExportBatchSize: null, scheduledDelayMillis: 2_000 },
    });
    await until('the size is the default again', async () => {
      return (await stats()).config.batch.maxExportBatchSize === 200;
    });
    return complete();
  });

  await check('leaving a healthy page loses nothing', async () => {
    const first = (await lastNumber()) + 1;
    await tick('#log-many');
    await page.reload();
    const fresh = Number(await page.evaluate('demo.firstNumber'));
    return complete(first, async () => fresh - 1);
  });

  await check('sampling at 0: no click is logged, the rest is', async () => {
    await page.locator('#rate').focus();
    await page.keyboard.press('Home');
    await page.locator('#rate').blur();
    await until('it is in force', async () => {
      return (await stats()).config.sampling.click?.sample_rate === 0;
    });
    const after = await lastNumber();
    const { sampledOut } = (await stats()).ledger;
    for (let i = 0; i < 5; i += 1) await tick('#shop h3');
    await tick('#log-many');
    await settled();
    equal('sampled out', (await stats()).ledger.sampledOut - sampledOut, 6);
    let [clicks, others] = [0, 0];
    await until('the rest has arrived', async () => {
      [clicks, others] = await row(
        address,
        `SELECT sum(event_name = 'click'), sum(event_name = 'bulk') FROM ${NUMBERED}
         WHERE n > ${after}`,
      );
      return others >= 100;
    });
    equal('clicks', clicks, 0);
    equal('other events', others, 100);
  });

  await check('kill switch: nothing is logged while it is on', async () => {
    await settled();
    await tick('#killed');
    await until('it is in force', async () => (await stats()).config.killed === true);
    const before = (await stats()).ledger;
    const after = await lastNumber();
    await tick('#log-many');
    await tick('#new-visitor');
    const { ledger } = await stats();
    equal('accepted', ledger.accepted, before.accepted);
    truth('they are counted as not logged', ledger.suppressed - before.suppressed >= 101);
    const last = await lastNumber();
    await tick('#killed');
    await until('it is off', async () => (await stats()).config.killed === false);
    await tick('#log-many');
    await settled();
    let silent = 0;
    await until('events after it have arrived', async () => {
      const [under, next] = await row(
        address,
        `SELECT sum(n <= ${last}), sum(n > ${last}) FROM ${NUMBERED} WHERE n > ${after}`,
      );
      silent = under;
      return next >= 100;
    });
    equal('events from under the switch', silent, 0);
  });

  await check('the ledger is balanced at the end', balanced);
  await check('the page threw no error, and its console shows none', async () =>
    equal('errors', pageErrors.join('\n'), ''),
  );

  console.log(`\nscreenshot ${screenshot}\n\n${tally.passed} passed, ${tally.failed} failed`);
  return tally.failed;
}

/** Asks again and again until it is so. */
async function until(
  /** @type {string} */ what,
  /** @type {() => Promise<unknown>} */ condition,
  /** @type {() => string} */ seen = () => '',
) {
  const end = Date.now() + LIMIT_MILLIS;
  while (!(await condition())) {
    if (Date.now() > end) {
      throw new Error(`waited ${LIMIT_MILLIS / 1_000} s in vain until ${what}; ${seen()}`);
    }
    await sleep(POLL_MILLIS);
  }
}

function equal(
  /** @type {string} */ what,
  /** @type {unknown} */ actual,
  /** @type {unknown} */ expected,
) {
  if (actual !== expected) throw new Error(`${what}: ${actual}, expected ${expected}`);
}

function truth(/** @type {string} */ what, /** @type {boolean} */ holds) {
  if (!holds) throw new Error(`not so: ${what}`);
}

/** @returns {Promise<any>} */
async function get(/** @type {string} */ address, /** @type {string} */ route) {
  return (await fetch(address + route)).json();
}

async function put(
  /** @type {string} */ address,
  /** @type {string} */ route,
  /** @type {unknown} */ value,
) {
  await fetch(address + route, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(value),
  });
}

/** @returns {Promise<any[]>} the only row of the answer */
async function row(/** @type {string} */ address, /** @type {string} */ sql) {
  const response = await fetch(`${address}/api/query`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ sql }),
  });
  const body = /** @type {any} */ (await response.json());
  if (!response.ok) throw new Error(`${body.error.message}: ${sql}`);
  return body.rows[0];
}

function findBrowser() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const places = [
    process.env.CHROMIUM,
    '/usr/bin/chromium',
    ...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))),
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ];
  const found = places.find((place) => place && isProgram(place));
  if (!found) throw new Error('Chromium was not found: install it, or name it in CHROMIUM');
  return found;
}

function isProgram(/** @type {string} */ file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
