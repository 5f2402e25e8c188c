// Compiled, never run: what the declarations allow, and what they must refuse.
import {
  type FlushReport,
  init,
  logEvent,
  logExperiment,
  type Stats,
  setConsent,
  setUser,
  type Telemetry,
  updateConfig,
  verified,
} from 'wasm-telemetry';

logEvent('app_opened');
logEvent('checkout_started', { items: 3, express: true, coupon: undefined, plan: verified('pro') });
// @ts-expect-error free text can't enter an event by accident
logEvent('checkout_started', { coupon: 'SUMMER' });
// @ts-expect-error an object is no field
logEvent('checkout_started', { cart: { items: 3 } });
// @ts-expect-error a bigint is no field
logEvent('checkout_started', { total: 3n });
// @ts-expect-error the proof comes from verified() alone
logEvent('checkout_started', { plan: { __verified: 'pro' } });

type Events = { checkout: { items: number; express?: boolean }; app_opened: undefined };
const declared: Telemetry<Events> = init<Events>({ serviceName: 'shop' });
declared.logEvent('checkout', { items: 3 });
declared.logEvent('app_opened');
// @ts-expect-error `items` is required
declared.logEvent('checkout');
const fromSchema = init({
  serviceName: 'shop',
  events: { checkout: { items: 'number', plan: 'text' }, app_opened: {} },
});
fromSchema.logEvent('checkout', { items: 3, plan: verified('pro') });
fromSchema.logEvent('app_opened');
// @ts-expect-error a field where there is none
fromSchema.logEvent('app_opened', { items: 3 });
// @ts-expect-error not the declared type
fromSchema.logEvent('checkout', { items: true });
// @ts-expect-error not a declared field
fromSchema.logEvent('checkout', { coupon: 1 });
// @ts-expect-error not a declared event
fromSchema.logEvent('checkuot', {});

// @ts-expect-error an event that was not declared
declared.logEvent('chekout', { items: 3 });
// @ts-expect-error a field of another type
declared.logEvent('checkout', { items: true });
// @ts-expect-error a field that was not declared
declared.logEvent('checkout', { items: 3, price: 5 });

// @ts-expect-error the service's name is required
init({});
// @ts-expect-error text that is none of the choices
setConsent('yes');

logExperiment({
  experimentId: 'new-nav',
  variationId: 1,
  userAttributes: { sessionId: 's', country: 'NZ', tags: ['a'] },
});
// @ts-expect-error the variation is a number
logExperiment({ experimentId: 'new-nav', variationId: '1' });

setUser({ userId: null, accountUuid: 'u', plan: 'pro' });
const { changed, rejected } = updateConfig({ batch: { maxQueueSize: null }, killed: false });
changed.map((path) => path.length);
rejected.map(({ path, reason }) => path + reason);

const stats: Stats = declared.stats();
stats.config.batch.maxQueueSize.toFixed();
stats.ledger.dropped.queue_full?.toFixed();
declared.flush({ timeoutMillis: 10 }).then((report: FlushReport) => report.timedOut);
