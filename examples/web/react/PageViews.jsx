import { useEffect, useRef } from 'react';
import { useLocation, useMatches } from 'react-router';
import { logEvent, verified } from 'wasm-telemetry';

export function PageViews() {
  const { key } = useLocation();
  const route = useMatches().at(-1)?.handle?.route ?? 'unknown';
  const logged = useRef();

  useEffect(() => {
    // In development, StrictMode runs an effect twice: one navigation, one key, one event.
    if (logged.current === key) return;
    logged.current = key;
    logEvent('page_viewed', { route: verified(route) });
  }, [key, route]);

  return null;
}
