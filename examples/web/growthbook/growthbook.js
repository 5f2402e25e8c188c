import { GrowthBook } from '@growthbook/growthbook';
import { logEvent, logExperiment, updateConfig } from 'wasm-telemetry';
import { visitor } from './visitor.js';

export const growthbook = new GrowthBook({
  apiHost: process.env.GROWTHBOOK_HOST,
  clientKey: process.env.GROWTHBOOK_KEY,
  attributes: { id: visitor() },
  trackingCallback(experiment, result) {
    logExperiment({
      experimentId: experiment.key,
      variationId: result.variationId,
      userAttributes: { id: result.hashValue },
    });
  },
});

/** `render` is called when the features are there, and whenever they change. */
export function start(render) {
  growthbook.setRenderer(() => {
    configure(growthbook.getFeatureValue('telemetry', {}));
    render();
  });
  return growthbook.init({ timeout: 2_000, streaming: true, pollingInterval: 60_000 });
}

function configure(patch) {
  const { changed, rejected } = updateConfig(patch);
  if (changed.length + rejected.length === 0) return;
  logEvent('configured', { changed: changed.length, rejected: rejected.length });
}
