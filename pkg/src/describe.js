// What can leave, for whoever has to judge a configuration. It asks the options alone, so that a review
// needs no running program.

/** @typedef {import('../index.d.ts').LeavingField} LeavingField */

const checked = 'number, boolean or verified text';
const anyText = 'text, number or boolean';

/** @returns {LeavingField[]} */
export function describe(/** @type {import('../index.d.ts').InitOptions} */ options) {
  /** @type {LeavingField[]} */
  const all = [];
  const add = (
    /** @type {LeavingField['where']} */ where,
    /** @type {string} */ names,
    /** @type {string} */ holds,
    /** @type {Partial<LeavingField>} */ more = {},
  ) => {
    for (const name of names.split(' ')) all.push({ where, name, holds, ...more });
  };
  const given = (/** @type {object | undefined} */ group) => Object.keys(group ?? {});

  for (const name of given(options.headers)) all.push({ where: 'header', name, holds: 'text' });
  if (options.auth) add('header', 'Authorization', 'text');
  add('resource', 'service.name', 'text');
  if (options.serviceVersion) add('resource', 'service.version', 'text');
  for (const name of given(options.resource)) all.push({ where: 'resource', name, holds: anyText });
  add('batch', 'id client_id', 'random UUID');
  add('batch', 'seq attempt dropped', 'number');
  add('batch', 'sent_at', 'time');

  add('event', 'event_name', 'text');
  add('event', 'event_id', 'random UUID');
  add('event', 'timestamp', 'time');
  add('event', 'user_id', 'text');
  add('core_metadata', 'session_id', 'text');
  add('user_metadata', 'device_id account_uuid organization_uuid', 'text');
  // Whatever setContext and setUser are called with.
  add('core_metadata', '*', anyText);
  add('user_metadata', '*', anyText);
  const events = options.events ?? { '*': { '*': checked } };
  for (const [event, fields] of Object.entries(events)) {
    for (const [name, type] of Object.entries(fields)) {
      const holds = type === 'text' ? 'verified text' : type;
      all.push({ where: 'event_metadata', name, holds, event });
    }
  }
  add('event_metadata', 'sample_rate', 'number', { event: '*' });

  add('exposure', 'event_type', 'GrowthbookExperimentEvent');
  add('exposure', 'event_id', 'random UUID');
  add('exposure', 'timestamp', 'time');
  add('exposure', 'variation_id', 'number');
  const texts = 'experiment_id device_id account_uuid organization_uuid session_id environment';
  add('exposure', texts, 'text');
  add('exposure', 'user_attributes experiment_metadata', 'JSON text');
  return all;
}
