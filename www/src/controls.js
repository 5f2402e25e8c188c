import { collector } from './collector.js';
import { byId, number, setText } from './dom.js';
import { logMany, telemetry } from './telemetry.js';

const CLICK = 'click';
/** Changes that are on their way to the collector and back: what is in force is older than they. */
let changing = 0;

/** Wires the switches. They show what is in force, whoever set it, and never change it by themselves. */
export function createControls() {
  byId('log-many').addEventListener('click', () => logMany(100));
  byId('reload').addEventListener('click', () => location.reload());
  byId('flush').addEventListener('click', async () => {
    setText(byId('flush-report'), 'Flushing…');
    const report = await telemetry.flush({ timeoutMillis: 10_000 });
    const left = report.queued + report.inFlight + report.stored;
    setText(
      byId('flush-report'),
      `${number(report.delivered)} delivered, ${number(left)} left${report.timedOut ? ', time ran out' : ''}.`,
    );
  });

  byId('modes').addEventListener('change', ({ target }) => faults({ mode: target.value }));
  onNumber('delay', (seconds) => faults({ delayMillis: Math.round(seconds * 1_000) }));
  onNumber('retry-after', (seconds) => faults({ retryAfterSeconds: seconds }));

  byId('killed').addEventListener('change', ({ target }) => configure({ killed: target.checked }));
  byId('rate').addEventListener('input', ({ target }) => showRate(target.valueAsNumber));
  byId('rate').addEventListener('change', ({ target }) =>
    configure({ sampling: { [CLICK]: { sample_rate: target.valueAsNumber } } }),
  );
  onNumber('delay-millis', (value) => configure({ batch: { scheduledDelayMillis: value } }));
  onNumber('batch-size', (value) => configure({ batch: { maxExportBatchSize: value } }));

  return {
    showFaults({ mode, delayMillis, retryAfterSeconds }) {
      const chosen = byId('modes').querySelector(`[value=${mode}]`);
      if (!byId('modes').matches(':focus-within')) chosen.checked = true;
      put('delay', delayMillis / 1_000);
      put('retry-after', retryAfterSeconds);
    },

    showConfig({ killed, sampling, batch }) {
      if (changing === 0) byId('killed').checked = killed !== false;
      const rate = sampling[CLICK]?.sample_rate ?? 1;
      put('rate', rate);
      if (!focused('rate')) showRate(rate);
      put('delay-millis', batch.scheduledDelayMillis);
      put('batch-size', batch.maxExportBatchSize);
    },
  };
}

/** Asks the collector for the remote configuration and gives it to the package. */
export async function pullConfig() {
  apply(await collector.config());
}

function apply(config) {
  const { changed, rejected } = telemetry.updateConfig(config);
  const parts = [];
  if (changed.length > 0) parts.push(`Changed: ${changed.join(', ')}.`);
  for (const { path, reason } of rejected) parts.push(`Not taken: ${path}, ${reason}.`);
  if (parts.length > 0) setText(byId('config-report'), parts.join(' '));
}

async function configure(patch) {
  changing += 1;
  await tell('config-report', async () => {
    const config = await collector.config();
    apply(
      await collector.setConfig({
        ...config,
        ...patch,
        sampling: { ...config.sampling, ...patch.sampling },
        batch: { ...config.batch, ...patch.batch },
      }),
    );
  });
  changing -= 1;
}

async function faults(patch) {
  await tell('flush-report', () => collector.setFaults(patch));
}

async function tell(place, work) {
  try {
    await work();
  } catch (error) {
    setText(byId(place), `The collector said: ${error.message}`);
  }
}

function onNumber(id, use) {
  byId(id).addEventListener('change', ({ target }) => {
    if (target.reportValidity() && target.value !== '') use(target.valueAsNumber);
  });
}

/** Leaves a field alone while somebody is in it, or while nothing is known of it yet. */
function put(id, value) {
  if (value !== undefined && !focused(id)) byId(id).value = String(value);
}

function focused(id) {
  return document.activeElement === byId(id);
}

function showRate(rate) {
  setText(byId('rate-shown'), `${Math.round(rate * 100)} %`);
}
