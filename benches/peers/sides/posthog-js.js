import posthog from 'posthog-js';

export function start({ url }) {
  posthog.init('phc_bench', {
    api_host: url,
    // Only events, and nothing from its own servers.
    advanced_disable_flags: true,
    autocapture: false,
    capture_pageview: false,
    capture_pageleave: false,
    disable_external_dependency_loading: true,
    disable_session_recording: true,
    disable_surveys: true,
    // It takes headless browsers for robots, and a burst for a loop.
    opt_out_useragent_filter: true,
    rate_limiting: { events_per_second: 1e6, events_burst_limit: 1e6 },
    request_queue_config: { flush_interval_ms: 250 },
  });
  return {
    log: (name, fields) => posthog.capture(name, fields),
    // It sends by a timer.
    flush: () => new Promise((resolve) => setTimeout(resolve, 300)),
  };
}
