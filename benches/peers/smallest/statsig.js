import { StatsigClient } from '@statsig/js-client';

const client = new StatsigClient('client-smallest', {});
client.initializeSync();
client.logEvent('started');
