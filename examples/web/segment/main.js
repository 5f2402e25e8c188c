import { init, logEvent, setUser, verified } from 'wasm-telemetry';

// analytics.load(WRITE_KEY); the anonymousId is yours to make and keep.
const anonymousId = localStorage.getItem('visitor') ?? crypto.randomUUID();
localStorage.setItem('visitor', anonymousId);
init({ serviceName: 'shop', user: { deviceId: anonymousId } });

// analytics.page('Basket')
logEvent('page_viewed', { route: verified('/basket') });

// analytics.identify('u-17', { plan: 'pro', email: 'ada@example.com' })
setUser({ userId: 'u-17', plan: 'pro' });

// analytics.group('o-3', { seats: 12 })
setUser({ organizationUuid: 'o-3', seats: 12 });

document.querySelector('#buy').addEventListener('click', () => {
  // analytics.track('Order Completed', { revenue: 149.9, currency: 'EUR', coupon: 'ADA-50' })
  logEvent('order_completed', { revenue: 149.9, currency: verified('EUR'), coupon: true });

  // analytics.reset()
  const visitor = crypto.randomUUID();
  localStorage.setItem('visitor', visitor);
  setUser({
    ...{ deviceId: visitor, sessionId: crypto.randomUUID() },
    ...{ userId: null, plan: null, organizationUuid: null, seats: null },
  });
  logEvent('signed_out');
});
