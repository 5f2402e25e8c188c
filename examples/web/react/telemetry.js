import { init } from 'wasm-telemetry';

init({
  serviceName: 'shop',
  serviceVersion: '1.4.0',
  // No other event and no other field can leave.
  events: {
    page_viewed: { route: 'text' },
    item_added: { items: 'number' },
    render_failed: { code: 'text', depth: 'number' },
  },
});
