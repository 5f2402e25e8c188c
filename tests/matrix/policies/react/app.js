import { createElement, useEffect } from 'react';
import { init, logEvent, verified } from 'wasm-telemetry';

export function App() {
  useEffect(() => {
    init({ serviceName: 'matrix', batch: { scheduledDelayMillis: 10 } });
    logEvent('mounted', { library: verified('react') });
    document.title = 'mounted';
  }, []);
  return createElement('button', { type: 'button', onClick: () => logEvent('clicked') }, 'Log');
}
