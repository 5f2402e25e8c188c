import { init, logEvent } from 'wasm-telemetry';
import Client from './client';

init({ serviceName: 'on the server', store: 'memory', batch: { baseUrl: process.env.ENDPOINT } });
logEvent('on_the_server', { step: 1 });

// Made at each visit, not while it is built.
export const dynamic = 'force-dynamic';

export default function Page() {
  return <Client endpoint={process.env.ENDPOINT} />;
}
