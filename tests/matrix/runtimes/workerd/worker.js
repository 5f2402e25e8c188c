import { env } from 'cloudflare:workers';
import { flush, init, logEvent, setContext, stats } from 'wasm-telemetry';

// The first lines of the program, outside of any request.
const codes = [];
init({
  serviceName: 'matrix',
  batch: { baseUrl: env.ENDPOINT },
  onDiagnostic: ({ code }) => codes.push(code),
});
setContext({ region: 'global' });
logEvent('started');

const answers = {
  /** The documented way. */
  wait(context) {
    context.waitUntil(flush());
    return 'ok';
  },
  /** Nobody waits: the request is over in the middle of it. */
  leave() {
    flush({ timeoutMillis: 100 });
    return 'ok';
  },
  keep: () => 'ok',
  flush: () => flush({ timeoutMillis: 5_000 }),
  stats: () => ({ codes, ledger: stats().ledger, store: stats().store.kind }),
};

export default {
  async fetch(request, _env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (searchParams.has('n')) logEvent('counted', { n: Number(searchParams.get('n')) });
    return Response.json(await answers[pathname.slice(1)](context));
  },
};
