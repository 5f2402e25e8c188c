import { newTracker, trackSelfDescribingEvent } from '@snowplow/browser-tracker';

newTracker('smallest', '127.0.0.1', { appId: 'smallest' });
trackSelfDescribingEvent({
  event: { schema: 'iglu:com.example/started/jsonschema/1-0-0', data: {} },
});
