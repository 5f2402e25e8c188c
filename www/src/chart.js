import uPlot from 'uplot';
import { byId } from './dom.js';

const SAMPLES = 360;
const MODE_NAMES = { down: 'down', slow: 'slow', throttle: '429', error500: '500' };

/** The last 90 seconds, four samples a second; the server's bad times are shaded. */
export function createChart() {
  const target = byId('plot');
  const style = getComputedStyle(byId('tank'));
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const times = [];
  const values = { queued: [], inFlight: [], stored: [], rate: [] };
  const delivered = [];
  const modes = [];
  let shown = [[], [], [], [], []];

  const line = (name, extra = {}) => ({
    stroke: colour(name),
    width: 1.5,
    points: { show: false },
    paths: uPlot.paths.stepped({ align: 1 }),
    ...extra,
  });
  const axis = {
    stroke: colour('tank-soft'),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour('tank-rule'), width: 1 },
    ticks: { show: false },
  };
  const plot = new uPlot(
    {
      width: 300,
      height: 150,
      legend: { show: false },
      cursor: { show: false },
      padding: [12, 4, 0, 0],
      scales: { x: { time: false }, y: { range: fromZero(10) }, rate: { range: fromZero(10) } },
      axes: [
        { ...axis, size: 22, values: (_, ticks) => ticks.map((tick) => `${Math.round(tick)} s`) },
        { ...axis, size: 44 },
        { ...axis, size: 40, side: 1, scale: 'rate', grid: { show: false } },
      ],
      series: [
        {},
        line('stored', { fill: `${colour('stored')}33` }),
        line('queued', { fill: `${colour('queued')}33` }),
        line('inFlight', { fill: `${colour('inFlight')}33` }),
        line('delivered', { scale: 'rate', width: 1 }),
      ],
      hooks: { drawClear: [shade] },
    },
    shown,
    target,
  );

  new ResizeObserver(() => {
    plot.setSize({ width: target.clientWidth, height: target.clientHeight });
  }).observe(target);

  function shade(chart) {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.font = `${11 * devicePixelRatio}px ${style.fontFamily}`;
    ctx.textBaseline = 'top';
    for (let from = 0, to = 0; from < modes.length; from = to) {
      while (to < modes.length && modes[to] === modes[from]) to += 1;
      if (modes[from] === 'ok') continue;
      const left = chart.valToPos(shown[0][from], 'x', true);
      const right = chart.valToPos(shown[0][Math.min(to, modes.length - 1)], 'x', true);
      ctx.fillStyle = `${colour('dropped')}2b`;
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
      ctx.fillStyle = colour('tank-soft');
      const label = `server ${MODE_NAMES[modes[from]]}`;
      if (right - left > ctx.measureText(label).width + 8) {
        ctx.fillText(label, left + 5 * devicePixelRatio, bbox.top + 4 * devicePixelRatio);
      }
    }
    ctx.restore();
  }

  return {
    add(ledger, mode) {
      const now = performance.now() / 1_000;
      times.push(now);
      delivered.push(ledger.delivered);
      modes.push(mode);
      for (const name of ['queued', 'inFlight', 'stored']) values[name].push(ledger[name]);
      const second = Math.max(0, delivered.length - 5);
      values.rate.push(ledger.delivered - delivered[second]);
      for (const list of [times, delivered, modes, ...Object.values(values)]) {
        if (list.length > SAMPLES) list.shift();
      }
      shown = [
        times.map((time) => time - now),
        values.stored,
        values.queued,
        values.inFlight,
        values.rate,
      ];
      plot.setData(shown, false);
      plot.setScale('x', { min: -Math.min(90, Math.max(20, now - times[0])), max: 0 });
    },

    /** What is shown, the oldest first; times in seconds before now. */
    samples: () =>
      shown[0].map((time, i) => ({
        time,
        stored: shown[1][i],
        queued: shown[2][i],
        inFlight: shown[3][i],
        rate: shown[4][i],
        mode: modes[i],
      })),
  };
}

function fromZero(least) {
  return (_, __, max) => [0, Math.max(least, (max ?? 0) * 1.15)];
}
