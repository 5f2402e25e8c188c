import { init, logEvent, verified } from 'wasm-telemetry';

// The codes that this program gives its own errors.
const CODES = ['PRICE_MISSING', 'PRODUCT_GONE'];

/** A plugin: `app.use(telemetry, { router })`. */
export const telemetry = {
  install(app, { router }) {
    init({ serviceName: 'shop', serviceVersion: '1.4.0' });

    router.afterEach((to, from, failure) => {
      if (failure) return;
      const route = to.matched.at(-1)?.path ?? 'unknown';
      logEvent('page_viewed', { route: verified(route), first: from.matched.length === 0 });
    });

    app.config.errorHandler = (error) => {
      const code = CODES.includes(error?.code) ? error.code : 'unknown';
      logEvent('component_failed', { code: verified(code) });
      console.error(error);
    };
  },
};
