// With declared events nothing else leaves; and `describe` tells of everything that does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dist, start } from '../support/package.mjs';

const { describe } = await import(`${dist}/index.js`);

const events = /** @type {const} */ ({
  checkout: { items: 'number', express: 'boolean', plan: 'text' },
  opened: {},
});

test('what is not declared is dropped or left out, counted and told', async (t) => {
  const { server, telemetry, diagnostics } = await start(t, { events });
  // Twice: the second time by a known shape, if it had one.
  for (let n = 0; n < 2; n += 1) {
    telemetry.logEvent('checkout', { items: 3, express: true, plan: telemetry.verified('pro') });
    telemetry.logEvent('checkout', { items: true, express: 1, coupon: 7 });
    telemetry.logEvent('opened', { at: 1 });
    telemetry.logEvent('closed', { items: 1 });
  }
  await telemetry.flush();
  const sent = server
    .events()
    .map(({ event_name, event_metadata }) => [event_name, event_metadata]);
  const once = [
    ['checkout', { items: 3, express: true, plan: 'pro' }],
    ['checkout', undefined],
    ['opened', undefined],
  ];
  assert.deepEqual(sent, [...once, ...once]);
  const { dropped, fieldsLeftOut } = telemetry.stats().ledger;
  assert.deepEqual(dropped, { invalid_name: 2 });
  assert.equal(fieldsLeftOut, 8);
  const told = diagnostics.map(({ message }) => message).join('\n');
  for (const word of ['coupon', 'closed', 'another type']) assert.match(told, new RegExp(word));
});

test('in strict mode it throws', async (t) => {
  const { telemetry } = await start(t, { events, strict: true });
  telemetry.logEvent('checkout', { items: 3 });
  const misuse = (message) => ({ name: 'TypeError', message });
  assert.throws(() => telemetry.logEvent('closed'), misuse(/closed.*declared/));
  assert.throws(() => telemetry.logEvent('checkout', { coupon: 1 }), misuse(/coupon.*declared/));
  assert.throws(() => telemetry.logEvent('checkout', { items: true }), misuse(/items.*type/));
});

for (const [what, broken] of /** @type {[string, any][]} */ ([
  ['no object', 'checkout'],
  ['null within', { checkout: null }],
  ['an unknown type', { checkout: { items: 'string' } }],
])) {
  test(`a declaration that is, or has, ${what} allows nothing by it`, async (t) => {
    const { server, telemetry } = await start(t, { events: broken });
    telemetry.logEvent('checkout', { items: 3 });
    await telemetry.flush();
    for (const event of server.events()) assert.equal(event.event_metadata, undefined);
  });
}

test('describe tells of every field that leaves', async (t) => {
  const options = {
    events,
    serviceVersion: '1',
    resource: { region: 'eu' },
    headers: { 'X-Team': 'shop' },
    auth: () => 'Bearer token',
    userId: 'u',
    user: { deviceId: 'd', accountUuid: 'a', organizationUuid: 'o', tier: 'gold' },
    context: { environment: 'test' },
    sampling: { checkout: { sample_rate: 0.999999 } },
  };
  const { server, telemetry } = await start(t, /** @type {any} */ (options));
  telemetry.logEvent('checkout', { items: 3, express: true, plan: telemetry.verified('pro') });
  telemetry.logEvent('closed');
  telemetry.logExperiment({
    experimentId: 'e',
    variationId: 1,
    userAttributes: { plan: 'pro' },
    experimentMetadata: { name: 'nav' },
  });
  await telemetry.flush();
  telemetry.logEvent('opened');
  await telemetry.flush();
  const fields = describe({ serviceName: 'tested', ...options });
  const isTold = (where, name, event) =>
    fields.some(
      (field) =>
        field.where === where &&
        [name, '*'].includes(field.name) &&
        [event, '*', undefined].includes(field.event),
    );
  const seen = [];
  const see = (where, object, event = undefined) => {
    for (const name of Object.keys(object ?? {})) seen.push([where, name, event]);
  };
  for (const { body, headers } of server.requests) {
    see('resource', body.resource);
    see('batch', body.batch);
    for (const name of ['X-Team', 'Authorization']) {
      assert.ok(name.toLowerCase() in headers);
      see('header', { [name]: 1 });
    }
    for (const event of body.events) {
      const { core_metadata, user_metadata, event_metadata, ...own } = event;
      see(event.event_type ? 'exposure' : 'event', own);
      see('core_metadata', core_metadata);
      see('user_metadata', user_metadata);
      see('event_metadata', event_metadata, event.event_name);
    }
  }
  for (const [where, name, event] of seen) {
    assert.ok(isTold(where, name, event), `${where} ${name} of ${event}`);
  }
  // And of nothing that cannot.
  for (const { where, name } of fields) {
    const found = seen.some(([w, n]) => w === where && (n === name || name === '*'));
    assert.ok(found, `${where} ${name} never leaves`);
  }
  assert.ok(!isTold('event_metadata', 'coupon', 'checkout'));
});
