import { GrowthBook } from '@growthbook/growthbook';
import { setUser } from 'wasm-telemetry';
import { collector } from './collector.js';
import { expose } from './telemetry.js';
import { newVisitor, visitor } from './visitor.js';

export const EXPERIMENT = 'checkout-button';

/** Assigns this visitor to a variation and logs each exposure. `onChange` hears of a new visitor. */
export async function startExperiment(onChange) {
  const growthbook = new GrowthBook({
    attributes: { id: visitor() },
    trackingCallback(experiment, result) {
      expose({
        experimentId: experiment.key,
        variationId: result.variationId,
        userAttributes: { id: result.hashValue },
        experimentMetadata: { name: experiment.name, variation: result.name },
      });
    },
  });
  growthbook.initSync({ payload: await collector.features() });

  return {
    variation: () => growthbook.getFeatureValue(EXPERIMENT, 'plain'),
    id: () => growthbook.getAttributes().id,
    async becomeSomebodyElse() {
      const id = newVisitor();
      setUser({ deviceId: id });
      await growthbook.setAttributes({ id });
      onChange();
    },
  };
}
