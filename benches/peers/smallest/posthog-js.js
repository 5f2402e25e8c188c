import posthog from 'posthog-js';

posthog.init('phc_smallest');
posthog.capture('started');
