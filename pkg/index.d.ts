/** Proof that the program looked at a text before it let it into an event. Made by {@link verified}. */
export interface Verified {
  readonly __verified: unique symbol;
}

/** What an event's metadata may hold. Free text is not among it: see {@link verified}. */
export type Field = number | boolean | undefined | Verified;
/** An event's fields: 128 at most, with keys of 1 to 128 characters. What breaks a limit is left out and counted. */
export type Metadata = Readonly<Record<string, Field>>;

/** A program's own list of events: `init<{ checkout: { items: number } }>(…)`. */
export type EventMap = Record<string, Metadata | undefined>;

/** Events declared at run time: what they may hold. `'text'` is text that {@link verified} vouched for. */
export type EventSchema = Readonly<Record<string, Readonly<Record<string, FieldType>>>>;
/** What a declared field holds. */
export type FieldType = 'number' | 'boolean' | 'text';

/** What a declaration says to the compiler. Every field may be left out. */
export type EventsOf<Schema extends EventSchema> = {
  [Name in keyof Schema]: [keyof Schema[Name]] extends [never]
    ? undefined
    : {
        readonly [Key in keyof Schema[Name]]?: {
          number: number;
          boolean: boolean;
          text: Verified;
        }[Schema[Name][Key]];
      };
};

/**
 * Where a program declares its events once, for the free functions and for every instance that says nothing else:
 * `declare module 'wasm-telemetry' { interface Register { events: { checkout: { items: number } } } }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: for declarations to be merged into
export interface Register {}

/** What is registered; with anything else than names and fields in it, nothing can be logged. */
export type RegisteredEvents = Register extends { events: infer Events }
  ? Events extends EventMap
    ? Events
    : never
  : EventMap;

/** Metadata may be left out if every field of it may. */
export type MetadataOf<Fields> = undefined extends Fields
  ? [metadata?: Fields]
  : Record<never, never> extends Fields
    ? [metadata?: Fields]
    : [metadata: Fields];

/** Values of the context and the user: set on purpose by the host, so text is allowed (1,024 characters at most). */
export type ContextValue = string | number | boolean | null | undefined;

/** Who uses the program. `null` takes a field away. */
export interface UserPatch {
  /** `user_id` of every event. */
  userId?: string | null;
  /** A fresh UUID when absent. */
  sessionId?: string | null;
  /** `device_id`. */
  deviceId?: string | null;
  /** `account_uuid`. */
  accountUuid?: string | null;
  /** `organization_uuid`. */
  organizationUuid?: string | null;
  /** Anything else goes into `user_metadata` under its own name. */
  [field: string]: ContextValue;
}

/** Which variation of an experiment a user saw. */
export interface Exposure {
  /** 1 to 256 characters; else the exposure is dropped and counted as `invalid_name`. */
  experimentId: string;
  /** A whole number from 0 to 4,294,967,295. */
  variationId: number;
  /** Sent as JSON text, 65,536 characters at most. `sessionId` wins over the instance's. */
  userAttributes?: Record<string, unknown> & { sessionId?: string };
  /** Sent as JSON text, 65,536 characters at most. */
  experimentMetadata?: Record<string, unknown>;
}

/** How events are queued, cut into batches, exported and stored. `updateConfig` changes what `init` left open. */
export interface BatchConfig {
  /** How long an event waits for company, in milliseconds, before jitter. 10 to 3,600,000; default 10,000. */
  scheduledDelayMillis?: number | null;
  /** Events in a batch. 1 to 10,000; default 200. */
  maxExportBatchSize?: number | null;
  /** Bytes of a batch in memory. 1,024 to 16,777,216; default 524,288. */
  maxExportBatchBytes?: number | null;
  /** Events in memory. 1 to 1,000,000; default 8,192. */
  maxQueueSize?: number | null;
  /** Bytes in memory. 1,024 to 268,435,456; default 8,388,608. */
  maxQueueBytes?: number | null;
  /** Answers from the endpoint that refuse a batch for now, before it is dropped. 1 to 100; default 8. */
  maxAttempts?: number | null;
  /** How long one request may take, in milliseconds. 10 to 600,000; default 10,000. */
  exportTimeoutMillis?: number | null;
  /** The first wait after a failure, at most, in milliseconds; each further one may be twice as long. 1 to 600,000; default 500. */
  baseBackoffMillis?: number | null;
  /** The longest wait between attempts, in milliseconds. 1 to 86,400,000; default 30,000. */
  maxBackoffMillis?: number | null;
  /** Bytes in the store; the oldest batches make room. 0 (store nothing) to 1,099,511,627,776; default 52,428,800. */
  maxStoreBytes?: number | null;
  /** How long a batch is kept, in milliseconds. 1,000 to 31,536,000,000; default 604,800,000 (7 days). */
  maxStoreAgeMillis?: number | null;
  /** Send no Authorization header. Default false. */
  skipAuth?: boolean | null;
  /** After a second 401 or 403, try once without Authorization. Default true. */
  authFallback?: boolean | null;
  /** Starts with one `/`. Default `/api/event_logging/batch`, with OTLP `/v1/logs`. */
  path?: string | null;
  /** `https:`, or `http:` to loopback. Default: the page's own origin in a browser. */
  baseUrl?: string | null;
}

/**
 * Rates from 0 to 1 by event name. 0 drops all, 1 (or no entry) keeps all; between them an event is kept with that
 * probability and tells `sample_rate`. `by: 'session'` decides once per session and name. `null` removes the entry.
 */
export type Sampling = Record<string, { sample_rate: number; by?: 'event' | 'session' } | null>;

/** The kill switch: while it holds nothing is logged or sent. `until` is in milliseconds since 1970. */
export type Killed = boolean | { until: number; stored?: 'keep' | 'erase' };

/** Remote configuration: what is absent stays as it is, `null` goes back to the default. */
export interface ConfigPatch {
  batch?: BatchConfig | null;
  sampling?: Sampling | null;
  killed?: Killed | null;
}

/** What came of a patch. */
export interface ConfigReport {
  /** Paths whose value is another one now. Empty when the patch held what was in force. */
  changed: string[];
  /** What was not taken, each alone; the rest applied. */
  rejected: { path: string; reason: string }[];
  /** True while WebAssembly loads: the patch is kept, and its rejections reach `onDiagnostic`. */
  pending?: true;
}

/**
 * Where batches outlive the program, if neither IndexedDB nor files serve. Every method may answer at
 * once or with a promise. `lease` is a time in milliseconds since 1970, 0 when nobody holds the batch.
 */
export interface Store {
  /** Everything stored, in any order. */
  list(): MaybePromise<StoreEntry[]>;
  /** Writes or replaces a record, whole or not at all. */
  put(entry: StoreEntry, bytes: Uint8Array): MaybePromise<void>;
  /**
   * Takes the record if its lease and attempts are still those seen, sets the new ones and gives its
   * bytes; gives `undefined` if somebody else changed or removed it. Atomic over all holders.
   */
  claim(seen: StoreEntry, lease: number, attempts: number): MaybePromise<Uint8Array | undefined>;
  /** Like `claim`, without the bytes: true if the lease and attempts are set. */
  mark(seen: StoreEntry, lease: number, attempts: number): MaybePromise<boolean>;
  /**
   * Removes a record, unless it has more events than `seen`: whoever began it has written it anew since,
   * and not all of it was delivered. No error if it is gone.
   */
  remove(seen: StoreEntry): MaybePromise<void>;
  /** Sets a record that cannot be read aside: it is never listed again. */
  quarantine(key: string): MaybePromise<void>;
  /** Removes everything. */
  clear(): MaybePromise<void>;
}

/** What a store knows of a record. */
export interface StoreEntry {
  /** Sorts by age: `<12 hex digits of milliseconds since 1970>-<uuid>`. */
  key: string;
  /** Until when somebody holds it, in milliseconds since 1970; 0: nobody. */
  lease: number;
  /** How often the endpoint refused it for now. */
  attempts: number;
  /** How many events it holds. */
  events: number;
  /** Its size. */
  bytes: number;
}

type MaybePromise<T> = T | PromiseLike<T>;

/** Something that a developer should know, told once per cause. It holds no values of events. */
export interface Diagnostic {
  /** Stable. Meanings and remedies: docs/diagnostics.md. */
  code: DiagnosticCode;
  /** A sentence for people; its words may change. */
  message: string;
  /** The option, event or field it is about. */
  field?: string;
}

/** See docs/diagnostics.md. */
export type DiagnosticCode =
  | 'already_initialized'
  | 'answer_unknown'
  | 'auth_failed'
  | 'config_rejected'
  | 'consent_rejected'
  | 'context_rejected'
  | 'disabled'
  | 'endpoint_warning'
  | 'enrich_failed'
  | 'events_rejected'
  | 'export_refused'
  | 'exposure_rejected'
  | 'field_left_out'
  | 'internal_error'
  | 'invalid_name'
  | 'metadata_rejected'
  | 'misuse'
  | 'no_endpoint'
  | 'not_kept'
  | 'option_rejected'
  | 'queue_full'
  | 'staging_garbled'
  | 'store_corrupt'
  | 'store_failed'
  | 'store_foreign'
  | 'store_full'
  | 'store_memory'
  | 'too_large'
  | 'wasm_unavailable';

/** What `init` and `new Telemetry` take. A bad option is told (`option_rejected`), and its default holds. */
export interface InitOptions {
  /** `service.name` of the resource; required, else `init` throws a `TypeError`. Names the store, too. */
  serviceName: string;
  /** `service.version` of the resource. */
  serviceVersion?: string;
  /** More attributes of the resource: text, numbers, booleans. */
  resource?: Record<string, string | number | boolean>;
  /** What requests look like: the module's own JSON, or OTLP/HTTP logs. Default `'json'`. */
  format?: Format;
  /** Bodies over 1 KiB are compressed. Default `'gzip'`. */
  compression?: 'gzip' | 'none';
  /** Sent with every request. `Authorization` belongs to `auth`. */
  headers?: Record<string, string>;
  /** Gives the Authorization value, asked before each request. */
  auth?: () => MaybePromise<string | null | undefined>;
  /** Where and how batches leave. What is set here wins over `updateConfig`. */
  batch?: BatchConfig;
  /** Which share of each event is logged. */
  sampling?: Sampling;
  /** The kill switch. */
  killed?: Killed;
  /** False turns logging off; true turns it on in a test environment, and only there. */
  enabled?: boolean;
  /**
   * `'pending'`: in memory only; `'denied'`: nothing, and the store is wiped. What is said here wins over what
   * other tabs and processes were told before. Default: `'granted'`, unless a denial is remembered in the store.
   */
  consent?: Consent;
  /** Stay off where the browser sends Global Privacy Control. Default false. */
  respectGpc?: boolean;
  /**
   * The only events and fields that may leave. Another event is dropped and counted as `invalid_name`, another
   * field is left out and counted. Without this, names and keys are whatever the program gives.
   */
  events?: EventSchema;
  /** `user_id` of every event. */
  userId?: string;
  /** `session_id` of every event. A fresh UUID when absent. */
  sessionId?: string;
  /** As `setUser` takes it. */
  user?: UserPatch;
  /** As `setContext` takes it. */
  context?: Record<string, ContextValue>;
  /** Adds fields to an event. The event keeps the time of its call, and goes on without them if this fails. */
  enrich?: (name: string, metadata: Metadata) => MaybePromise<Metadata | undefined>;
  /** A store of the host's own, or `'memory'`. Default: IndexedDB, files in Node. */
  store?: Store | 'memory';
  /** Where Node, Deno and Bun keep batches; made, with mode 0700, if absent. Default: a folder of `serviceName` under the user's state directory. */
  directory?: string;
  /**
   * When events are stored: as their export fails and as the program ends, or (`'write-ahead'`) a tenth of a second
   * after their call, so that a killed process loses the last moments only. Default `'on-failure'`.
   */
  durability?: 'on-failure' | 'write-ahead';
  /**
   * What a page does with its events when it goes away: send what fits and store the rest (`'send'`), store all
   * (`'keep'`), or whichever the endpoint's last answer speaks for. Default `'auto'`.
   */
  exit?: 'auto' | 'send' | 'keep';
  /** Origins that events may go to, e.g. `['https://t.example.com']`. */
  allowedOrigins?: string[];
  /** Misuse throws a `TypeError`. Default: true where `NODE_ENV` is `development`. */
  strict?: boolean;
  /** Called once per cause. What it throws is ignored. */
  onDiagnostic?: (diagnostic: Diagnostic) => void;
  /** Print diagnostics, and what came of each request, to the console; in Node to stderr. Default false. */
  debug?: boolean;
  /**
   * For `wasm-telemetry/slim`: where you serve `wasm-telemetry/wasm-telemetry.wasm` (a text or a URL), or
   * its Response, its bytes, a WebAssembly.Module, or a promise of any. Where the package holds the
   * WebAssembly itself, this is ignored.
   */
  wasm?: string | object;
}

/** What requests look like: docs/wire.md. */
export type Format = 'json' | 'otlp-json' | 'otlp-protobuf';

/** Whether events may be kept and sent. */
export type Consent = 'granted' | 'pending' | 'denied';

/** `accepted = delivered + handedOver + queued + inFlight + stored + Σ dropped`, at every moment. */
export interface Ledger {
  /** Events that passed the gates, and stored ones of an earlier visit that this instance took over. */
  accepted: number;
  /** The endpoint answered 2xx, and did not say that it rejected them. */
  delivered: number;
  /** Left without a witness: sent as the page went away, or exported by another tab or process. */
  handedOver: number;
  /** In memory. */
  queued: number;
  /** In a request. */
  inFlight: number;
  /** In the store, and not in memory. */
  stored: number;
  /** Accepted and given up, by reason. */
  dropped: Partial<Record<DropReason, number>>;
  /** Not accepted: sampling said no. */
  sampledOut: number;
  /** Not accepted: disabled, killed, or consent denied. */
  suppressed: number;
  /** Fields left out of events that went on. */
  fieldsLeftOut: number;
}

/** Why an accepted event was given up: docs/diagnostics.md. */
export type DropReason =
  | 'invalid_name'
  | 'queue_full'
  | 'too_large'
  | 'rejected'
  | 'unauthorized'
  | 'max_attempts'
  | 'expired'
  | 'store_full'
  | 'corrupt'
  | 'consent_denied'
  | 'killed'
  | 'shut_down';

/** The ledger, the configuration in force, sizes. */
export interface Stats {
  /** `'loading'` until WebAssembly is compiled. */
  state: 'loading' | 'running' | 'disabled' | 'shut-down' | 'unavailable';
  /** Where every event is. */
  ledger: Ledger;
  /** Every setting in force. */
  config: {
    batch: Required<{ [K in keyof BatchConfig]: NonNullable<BatchConfig[K]> }>;
    sampling: Sampling;
    killed: Killed;
    consent: Consent;
    durability: 'on-failure' | 'write-ahead';
    format: Format;
  };
  /** The store, and what is in it. */
  store: {
    kind: 'indexeddb' | 'files' | 'memory' | 'host' | 'none';
    /** Stored batches as last seen, those of other tabs and processes too. */
    batches: number;
    events: number;
    bytes: number;
    /** Events still in memory that the store holds as well: a crash doesn't lose them. */
    copies: number;
  };
  /** Where events go, and how that went. */
  endpoint: {
    url: string;
    /** What the browser says of the network. */
    online: boolean;
    /** Failures in a row. */
    failures: number;
    /** When the next attempt may start, milliseconds since 1970; absent when it may start now. */
    retryAt?: number;
  };
  /** Bytes of the queue, and of all memory that the WebAssembly has. */
  sizes: { queuedBytes: number; memoryBytes: number };
  /**
   * How often the WebAssembly failed, for all instances of `Telemetry` together. It is started again twice, with
   * what was queued; after the third time nothing is logged any more.
   */
  traps: number;
}

/** What became of events by the end of a flush. */
export interface FlushReport {
  /** Events delivered since the call. */
  delivered: number;
  /** Events dropped since the call. */
  dropped: number;
  /** Still in memory. */
  queued: number;
  /** Still in a request. */
  inFlight: number;
  /** Waiting in the store. */
  stored: number;
  /** True if time ran out before everything had its outcome. */
  timedOut: boolean;
}

/** How long to wait. */
export interface FlushOptions {
  /** In milliseconds; default 30,000. */
  timeoutMillis?: number;
}

/** One isolated pipeline: its own queue, store, context and endpoint. */
export class Telemetry<Events extends EventMap = RegisteredEvents> {
  /** Throws a `TypeError` without a `serviceName`. */
  constructor(options: InitOptions);
  /** Logs an event. Never blocks and, but for misuse in strict mode, never throws. A name of 1 to 256 characters. */
  logEvent<Name extends keyof Events & string>(
    name: Name,
    ...metadata: MetadataOf<Events[Name]>
  ): void;
  /** Logs an exposure: stored at once where there is a store, and sent without waiting for the batch to fill. */
  logExperiment(exposure: Exposure): void;
  /** Changes `batch`, `sampling` and `killed` while running. Bad values are rejected one by one; never throws. */
  updateConfig(patch: ConfigPatch): ConfigReport;
  /** Fields of every event from now on (`core_metadata`); `null` takes one away. What was logged keeps its own. */
  setContext(patch: Record<string, ContextValue>): void;
  /** Who the user is from now on (`user_metadata`); `null` takes a field away. What was logged keeps its own. */
  setUser(patch: UserPatch): void;
  /** A denial wipes queue and store, and is obeyed by every tab, worker and process that shares the store, until its own host says otherwise. */
  setConsent(consent: Consent): void;
  /** Sends what is queued and what is stored. Resolves when everything has its outcome, or time is up; never rejects. */
  flush(options?: FlushOptions): Promise<FlushReport>;
  /** Flushes, stores what is left, and ends the instance: what is logged later is not accepted, and counted as `suppressed`. */
  shutdown(options?: FlushOptions): Promise<FlushReport>;
  /** What is where, now, and what is in force. */
  stats(): Stats;
  /** Resolves when WebAssembly is compiled and the store is open, or neither will be; never rejects. Nothing needs to wait for it. */
  ready(): Promise<void>;
  /** "I checked: this text is not code, a path or personal data." 1,024 characters at most. */
  verified(text: string): Verified;
}

/** A field that can leave, in the words of the `json` format. */
export interface LeavingField {
  where:
    | 'header'
    | 'resource'
    | 'batch'
    | 'event'
    | 'exposure'
    | 'core_metadata'
    | 'user_metadata'
    | 'event_metadata';
  /** `'*'`: whatever name the program uses. */
  name: string;
  holds: string;
  /** Of `event_metadata`: the event. `'*'`: any. */
  event?: string;
}

/** Every field that can leave with these options, for a privacy review. */
export function describe(options: InitOptions): LeavingField[];

/** Makes the default instance. A second call gives the one that is there, and says so in a diagnostic. */
export function init<const Schema extends EventSchema>(
  options: InitOptions & { events: Schema },
): Telemetry<EventsOf<Schema>>;
export function init<Events extends EventMap = RegisteredEvents>(
  options: InitOptions,
): Telemetry<Events>;
/** Logs an event. Never blocks and, but for misuse in strict mode, never throws. A name of 1 to 256 characters. */
export function logEvent<Name extends keyof RegisteredEvents & string>(
  name: Name,
  ...metadata: MetadataOf<RegisteredEvents[Name]>
): void;
/** Logs an exposure: stored at once where there is a store, and sent without waiting for the batch to fill. */
export function logExperiment(exposure: Exposure): void;
/** Changes `batch`, `sampling` and `killed` while running. Bad values are rejected one by one; never throws. */
export function updateConfig(patch: ConfigPatch): ConfigReport;
/** Fields of every event from now on (`core_metadata`); `null` takes one away. What was logged keeps its own. */
export function setContext(patch: Record<string, ContextValue>): void;
/** Who the user is from now on (`user_metadata`); `null` takes a field away. What was logged keeps its own. */
export function setUser(patch: UserPatch): void;
/** A denial wipes queue and store, and is obeyed by every tab, worker and process that shares the store, until its own host says otherwise. */
export function setConsent(consent: Consent): void;
/** Sends what is queued and what is stored. Resolves when everything has its outcome, or time is up; never rejects. */
export function flush(options?: FlushOptions): Promise<FlushReport>;
/** Flushes, stores what is left, and ends the instance: what is logged later is not accepted, and counted as `suppressed`. */
export function shutdown(options?: FlushOptions): Promise<FlushReport>;
/** What is where, now, and what is in force. */
export function stats(): Stats;
/** Resolves when WebAssembly is compiled and the store is open, or neither will be; never rejects. Nothing needs to wait for it. */
export function ready(): Promise<void>;
/** "I checked: this text is not code, a path or personal data." 1,024 characters at most. */
export function verified(text: string): Verified;
