// `wasm-telemetry/inspector`: for development, beside the package's build for development.

export type Fate =
  /** Nothing is decided yet: `enrich` is at work. */
  | 'waiting'
  | 'queued'
  /** In a finished batch in memory. */
  | 'batched'
  | 'sending'
  | 'stored'
  | 'delivered'
  | 'handed over'
  | 'dropped'
  | 'sampled out'
  /** The kill switch, consent, or logging being off forbade it. */
  | 'not logged'
  /** With `strict`: the call threw. */
  | 'refused';

export interface Explanation {
  /** Absent where the event was not taken in. */
  eventId?: string;
  service: string;
  kind: 'event' | 'exposure';
  /** The event's name, or the experiment's id. */
  name: string;
  /** Of the call, milliseconds since 1970. */
  at: number;
  fate: Fate;
  /** Why it was dropped, refused or not logged; what else there is to say of the fate. */
  reason?: string;
  /** How many of its fields validation left out. */
  leftOut: number;
  /** The batch that it is in, or was in last. */
  batch?: {
    /** The batch's id and number on the wire, once it is finished and was in memory. */
    id?: string;
    seq?: number;
    /** Answers that refused it for now. */
    attempts: number;
    /** The store has it, also while it is in memory. */
    stored: boolean;
  };
  /** What is sent of it, in the words of the `json` format, once its batch is finished. */
  sent?: unknown;
  story: { at: number; text: string }[];
  /** All of it, to be read. */
  text: string;
}

/** What became of an event; `undefined` if it is none of the last 1,000 of any instance. */
export function explain(eventId: string): Explanation | undefined;
/** The last 1,000 events of each instance, in the order of their calls. */
export function events(): Explanation[];
/** Shows the panel. Without a document this does nothing. */
export function open(): void;
export function close(): void;
