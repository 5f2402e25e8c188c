import { Component } from 'react';
import { logEvent, verified } from 'wasm-telemetry';

// The codes that this program gives its own errors.
const CODES = ['PRICE_MISSING', 'PRODUCT_GONE'];

export class ErrorBoundary extends Component {
  state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  componentDidCatch(error, { componentStack }) {
    logEvent('render_failed', {
      code: verified(CODES.includes(error?.code) ? error.code : 'unknown'),
      depth: componentStack.trim().split('\n').length,
    });
  }

  render() {
    return this.state.failed ? this.props.fallback : this.props.children;
  }
}
