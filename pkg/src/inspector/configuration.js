// Every setting in force, and who set it.

/** As the pipeline numbers its layers. */
const layers = ['init', 'updateConfig', 'this page', 'default'];
/** The kill switch comes after all fields of `batch`. */
const killSwitch = 15;

/**
 * @param {import('./trace.js').Trace} trace
 * @returns {{ name: string, value: string, from: string }[]}
 */
export function settings({ options, stats: { config }, sources, consentFrom }) {
  const from = (/** @type {number} */ index) => layers[Number(sources[index])] ?? 'unknown';
  const given = (/** @type {unknown} */ value) => (value === undefined ? 'default' : 'init');
  const rows = Object.entries(config.batch).map(([name, value], index) => ({
    name: `batch.${name}`,
    value: String(value),
    from: from(index),
  }));
  for (const [name, rate] of Object.entries(config.sampling)) {
    const byInit = options?.sampling !== undefined && Object.hasOwn(options.sampling, name);
    const value = `${rate?.sample_rate}${rate?.by === 'session' ? ' by session' : ''}`;
    rows.push({ name: `sampling.${name}`, value, from: byInit ? 'init' : 'updateConfig' });
  }
  rows.push({ name: 'killed', value: JSON.stringify(config.killed), from: from(killSwitch) });
  const asked = config.consent === 'denied' ? 'the store, or another tab' : 'default';
  rows.push({ name: 'consent', value: config.consent, from: consentFrom || asked });
  rows.push(
    { name: 'format', value: config.format, from: given(options?.format) },
    { name: 'durability', value: config.durability, from: given(options?.durability) },
  );
  for (const [name, value] of Object.entries(options ?? {})) {
    const shown = describe(name, value);
    if (shown !== undefined) rows.push({ name, value: shown, from: 'init' });
  }
  return rows;
}

const above = ['batch', 'sampling', 'killed', 'consent', 'format', 'durability'];

/** What a secret may be in is told by its names alone. */
function describe(/** @type {string} */ name, /** @type {any} */ value) {
  if (value === undefined || above.includes(name)) return undefined;
  if (typeof value === 'function') return 'a function';
  if (name === 'headers' || name === 'events' || name === 'store') {
    return typeof value === 'object' ? Object.keys(value).join(', ') || 'none' : String(value);
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
