import { open as openInspector } from 'wasm-telemetry/inspector';
import { createBoard, imbalance, stored } from './board.js';
import { createChart } from './chart.js';
import { collector } from './collector.js';
import { createControls, pullConfig } from './controls.js';
import { byId, setText } from './dom.js';
import { startExperiment } from './experiment.js';
import { createFlow } from './flow.js';
import { startQuery } from './query.js';
import { createSamples } from './samples.js';
import { createServerPanel } from './server.js';
import { startShop } from './shop.js';
import { startStory } from './story.js';
import { expose, firstNumber, lastNumber, log, logMany, said, telemetry } from './telemetry.js';
import { startVitals } from './vitals.js';

const DRAW_MILLIS = 250;
const POLL_MILLIS = 1_000;

const shop = startShop();
startVitals();
addEventListener('click', ({ target, clientX, clientY }) => {
  const inShop = target instanceof Element && target.closest('.shop') !== null;
  log('click', { x: clientX, y: clientY, in_shop: inShop });
});

const baseline = collector.state();
const board = createBoard();
const flow = createFlow(byId('dots'));
const chart = createChart();
createSamples(chart.samples);
const controls = createControls();
const showServer = createServerPanel(baseline);
let mode = 'ok';

function draw() {
  const stats = telemetry.stats();
  board(stats);
  const waiting = { ...stats.ledger, stored: stored(stats) };
  flow.update(waiting);
  chart.add(waiting, mode);
  controls.showConfig(stats.config);
}

/** One round after the other: a slow answer delays the next question instead of piling up. */
async function poll() {
  try {
    await pullConfig();
    const state = await collector.state();
    mode = state.faults.mode;
    controls.showFaults(state.faults);
    await showServer(state);
  } catch (error) {
    setText(byId('config-report'), `The collector does not answer: ${error.message}`);
  }
  setTimeout(poll, POLL_MILLIS);
}

async function runExperiment() {
  const experiment = await startExperiment(showVisitor);
  function showVisitor() {
    shop.showExperiment(experiment);
    const variation = experiment.variation();
    setText(byId('visitor'), `Visitor ${experiment.id().slice(0, 8)} sees “${variation}”`);
  }
  byId('new-visitor').addEventListener('click', () => experiment.becomeSomebodyElse());
  showVisitor();
}

byId('inspector').addEventListener('click', openInspector);
setInterval(draw, DRAW_MILLIS);
draw();
poll();
runExperiment().catch((error) => setText(byId('visitor'), `No experiment: ${error.message}`));
startQuery();
startStory();

/** For the check, and for whoever opens the console. */
window.demo = {
  stats: () => telemetry.stats(),
  flush: (options) => telemetry.flush(options),
  imbalance: () => imbalance(telemetry.stats().ledger),
  log,
  logMany,
  expose,
  firstNumber,
  lastNumber,
  said,
};
