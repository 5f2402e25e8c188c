/** An event as its name and metadata. */
export const brief = (/** @type {any} */ { event_name, event_metadata = {} }) => [
  event_name,
  event_metadata,
];
