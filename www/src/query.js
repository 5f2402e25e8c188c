import { collector } from './collector.js';
import { byId, el } from './dom.js';

const PRESETS = {
  'By name': `SELECT event_name, count(*) AS events, min(timestamp) AS first, max(timestamp) AS last
FROM events GROUP BY event_name ORDER BY events DESC`,
  Vitals: `SELECT json_extract(event_metadata, '$.metric') AS metric, count(*) AS reports,
  round(avg(json_extract(event_metadata, '$.value')), 3) AS mean
FROM events WHERE event_name = 'web_vital' GROUP BY metric`,
  Experiment: `SELECT experiment_id, variation_id, count(*) AS exposures,
  count(DISTINCT json_extract(user_attributes, '$.id')) AS visitors
FROM exposures GROUP BY experiment_id, variation_id`,
  'On the way': `SELECT event_name, count(*) AS events,
  round(avg((julianday(received_at) - julianday(timestamp)) * 86400), 2) AS mean_seconds,
  round(max((julianday(received_at) - julianday(timestamp)) * 86400), 2) AS longest_seconds
FROM events GROUP BY event_name ORDER BY longest_seconds DESC`,
};

export function startQuery() {
  const sql = byId('sql');
  sql.value = PRESETS['By name'];
  for (const [label, text] of Object.entries(PRESETS)) {
    const preset = el('button', { type: 'button' }, label);
    preset.addEventListener('click', () => {
      sql.value = text;
      run();
    });
    byId('presets').append(preset);
  }
  byId('query').addEventListener('submit', (event) => {
    event.preventDefault();
    run();
  });

  async function run() {
    try {
      byId('answer').replaceChildren(table(await collector.query(sql.value)));
    } catch (error) {
      byId('answer').replaceChildren(el('p', { class: 'wrong' }, error.message));
    }
  }
}

function table({ columns, rows, truncated }) {
  if (rows.length === 0) return el('p', { class: 'note' }, 'No rows.');
  const looks = rows[0].map((value) => (typeof value === 'number' ? 'number' : ''));
  const heads = columns.map((name, i) => el('th', { scope: 'col', class: looks[i] }, name));
  const head = el('tr', {}, ...heads);
  const body = rows.map((row) =>
    el('tr', {}, ...row.map((value, i) => el('td', { class: looks[i] }, String(value ?? '')))),
  );
  const result = el('table', {}, el('thead', {}, head), el('tbody', {}, ...body));
  if (truncated) result.append(el('caption', {}, `The first ${rows.length} rows.`));
  return result;
}
