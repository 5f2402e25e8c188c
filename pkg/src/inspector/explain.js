// An event's story, as data and as text.

/**
 * @param {import('./trace.js').Trace} trace
 * @param {import('./trace.js').Traced} event
 * @returns {import('../../inspector.d.ts').Explanation}
 */
export function explained(trace, event) {
  const { id, kind, name, at, fate, reason, leftOut, sent, batch, story } = event;
  const told = {
    ...{ eventId: id, service: trace.options.serviceName, kind, name, at, fate, reason, leftOut },
    batch: batch && {
      id: batch.id,
      seq: batch.seq,
      attempts: batch.attempts,
      stored: batch.stored,
    },
    ...{ sent, story },
  };
  return { ...told, text: textOf(told) };
}

/** @param {Omit<import('../../inspector.d.ts').Explanation, 'text'>} event */
function textOf({ eventId, kind, name, at, fate, reason, story }) {
  const lines = story.map(({ at: then, text }) => `${later(then - at)}  ${text}`);
  return [
    `${kind} "${name}" at ${new Date(at).toISOString()}`,
    `id: ${eventId ?? 'none, for it was not taken in'}`,
    `fate: ${fate}${reason === undefined ? '' : `, ${reason}`}`,
    ...lines,
  ].join('\n');
}

/** @returns {string} `+0.250 s` */
export const later = (/** @type {number} */ millis) =>
  `+${(millis / 1_000).toFixed(3)} s`.padStart(11);
