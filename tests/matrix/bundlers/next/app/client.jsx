'use client';
import { useEffect } from 'react';
import { init, logEvent } from 'wasm-telemetry';

// Before there is an instance: the server renders this, too.
if (typeof window === 'object') logEvent('in_the_browser', { step: 1 });

export default function Client({ endpoint }) {
  useEffect(() => {
    init({ serviceName: 'in the browser', batch: { baseUrl: endpoint, scheduledDelayMillis: 10 } });
  }, [endpoint]);
  return <p>a page</p>;
}
