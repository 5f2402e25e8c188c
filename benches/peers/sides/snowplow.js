import { flushBuffer, newTracker, trackSelfDescribingEvent } from '@snowplow/browser-tracker';

export function start({ url, batch }) {
  newTracker('bench', url, {
    appId: 'bench',
    bufferSize: batch,
    encodeBase64: false,
    eventMethod: 'post',
    maxPostBytes: 1_000_000,
  });
  return {
    log: (name, data) =>
      trackSelfDescribingEvent({
        event: { schema: `iglu:com.example/${name}/jsonschema/1-0-0`, data: data ?? {} },
      }),
    async flush() {
      flushBuffer();
      await new Promise((resolve) => setTimeout(resolve, 200));
    },
  };
}
