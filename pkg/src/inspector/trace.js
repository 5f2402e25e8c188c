// The stories of an instance's events. The pipeline says where every batch is and counts what ended; what
// became of which event follows from the difference between two steps.
import { shared } from './shared.js';

/** So many events are remembered of each instance. */
const mostEvents = 1_000;
/** So many instances are. */
const mostTraces = 16;

/**
 * @typedef {'waiting' | 'queued' | 'batched' | 'sending' | 'stored' | 'delivered' | 'handed over'
 *   | 'dropped' | 'sampled out' | 'not logged' | 'refused'} Fate
 *
 * @typedef {object} Traced an event
 * @property {number} number the inspector's own
 * @property {'event' | 'exposure'} kind
 * @property {string} name
 * @property {number} at
 * @property {any} given its metadata, as the package took it
 * @property {string} [id]
 * @property {Fate} fate
 * @property {string} [reason]
 * @property {number} leftOut
 * @property {any} [sent] as the format `json` has it
 * @property {Batch} [batch] where it is, or was last
 * @property {{ at: number, text: string }[]} story
 *
 * @typedef {object} Seen a batch, as the pipeline tells it
 * @property {'open' | 'ready' | 'storing' | 'flight' | 'handedOver' | 'stored' | 'ofOthers' | 'copy'} place
 * @property {string} key
 * @property {number} attempts
 * @property {number} events
 * @property {number} [first]
 * @property {number} [request]
 *
 * @typedef {Seen & { members: Traced[], id?: string, seq?: number, stored: boolean, asked?: boolean }} Batch
 *
 * @typedef {object} Core
 * @property {() => import('../../index.d.ts').Stats} stats
 * @property {(key: string) => Places} places
 *
 * @typedef {object} Places
 * @property {number} next
 * @property {string} last
 * @property {string} sources
 * @property {(Seen | null)[]} batches
 * @property {any} body
 * @property {Record<string, number>} answers
 */

export const traced = () => shared().traces;

/** What a batch's place means for its events. @type {Record<Seen['place'], Fate>} */
const fates = {
  open: 'queued',
  ready: 'batched',
  storing: 'batched',
  flight: 'sending',
  handedOver: 'handed over',
  stored: 'stored',
  ofOthers: 'stored',
  copy: 'stored',
};

export class Trace {
  /** @type {Traced[]} */
  events = [];
  /** @type {Map<string, Batch>} */
  batches = new Map();
  /** Where each field of the configuration has its value from. */
  sources = '';
  /** The core has failed, and another one took over. */
  failed = false;
  owner = {};
  /** Who spoke of consent last. */
  consentFrom = '';
  /** @type {import('../../index.d.ts').Stats} */
  stats;
  #core;
  /** @type {Traced[]} calls of which nothing was decided yet */
  #waiting = [];
  /** @type {Map<number, Traced>} by the number of the id */
  #numbered = new Map();
  /** @type {Map<string, Traced>} */
  #byId = new Map();
  #next = 0;
  #count = 0;
  #busy = false;

  /**
   * @param {import('../../index.d.ts').InitOptions} options
   * @param {import('../settings.js').Host} host
   * @param {Core} core
   */
  constructor(options, host, core) {
    this.options = options;
    this.host = host;
    this.#core = core;
    this.stats = core.stats();
    this.consentFrom = options.consent === undefined ? '' : 'init';
    const { traces } = shared();
    traces.push(this);
    if (traces.length > mostTraces) {
      const over = traces.findIndex(({ stats }) => stats.state === 'shut-down');
      traces.splice(Math.max(over, 0), 1);
    }
    this.step();
  }

  /**
   * @param {Traced['kind']} kind
   * @param {any} name
   * @param {any} given
   * @param {number} at
   * @param {() => void} log
   */
  call(kind, name, given, at, log) {
    const event = this.#begin(kind, textOf(name), at, given);
    this.#waiting.push(event);
    try {
      log();
    } catch (error) {
      this.#waiting = this.#waiting.filter((other) => other !== event);
      if (error instanceof TypeError) this.#end(event, 'refused', error.message);
      else this.#end(event, 'not logged', 'the core failed');
      throw error;
    } finally {
      this.step();
    }
    if (event.fate === 'waiting') this.#tell(event, 'waits for enrich');
  }

  consented() {
    this.consentFrom = 'setConsent';
    this.step();
  }

  /** @returns {Traced | undefined} */
  find(/** @type {string} */ id) {
    const event = this.#byId.get(id);
    if (event) this.read(event);
    return event;
  }

  /** The keys of stored batches whose events nobody has seen; each is told of once. */
  unread() {
    if (this.stats.store.kind !== 'indexeddb') return [];
    const unread = [...this.batches.values()].filter(
      ({ members, stored, asked }) => stored && !asked && members.length === 0,
    );
    for (const batch of unread) batch.asked = true;
    return unread.map(({ key }) => key);
  }

  /** Takes what was read of a stored batch. */
  learn(/** @type {string} */ key, /** @type {any} */ body) {
    const batch = this.batches.get(key);
    if (!batch || batch.members.length > 0 || !body.events) return;
    this.#take(batch, body);
    for (const event of batch.members) this.#moved(event, batch);
  }

  /** Learns what is sent of an event, if that is in memory. */
  read(/** @type {Traced} */ event) {
    if (event.batch && this.batches.has(event.batch.key)) this.#read(event.batch);
  }

  /** Looks at what has changed. */
  step() {
    // Asking may call the host, which may log.
    if (this.#busy || this.failed) return;
    this.#busy = true;
    try {
      this.#look();
    } catch {
      this.failed = true;
    } finally {
      this.#busy = false;
    }
    shared().changed();
  }

  #look() {
    const before = this.stats;
    const { next, last, sources, batches, answers } = this.#core.places('');
    this.stats = this.#core.stats();
    this.sources = sources;
    const seen = batches.filter((batch) => batch !== null);
    const changes = difference(before.ledger, this.stats.ledger);

    this.#answered(answers);
    const logged = this.#logged(next, last, seen, changes);
    this.#place(seen);
    if (logged.length === 1) this.#settleFields(logged[0], changes.fieldsLeftOut);
    this.#vanished(seen, logged, changes);
    this.#copied(seen);
    this.#forget();
  }

  #answered(/** @type {Record<string, number>} */ answers) {
    for (const { request, members } of this.batches.values()) {
      const status = answers[String(request)];
      if (status === undefined) continue;
      const said = status === 0 ? 'no answer from the endpoint' : `the endpoint answered ${status}`;
      for (const event of members) this.#tell(event, said);
    }
  }

  /**
   * What was decided of calls since the last step.
   * @param {number} next
   * @param {string} last
   * @param {Seen[]} seen
   * @param {Changes} changes
   * @returns {Traced[]} those that were accepted
   */
  #logged(next, last, seen, { sampledOut, suppressed, dropped }) {
    const others = [
      .../** @type {[number, Fate, string | undefined][]} */ ([
        [sampledOut, 'sampled out', undefined],
        [suppressed, 'not logged', this.#whyNot()],
        [take(dropped, 'invalid_name', Infinity), 'dropped', 'invalid_name'],
        [take(dropped, 'queue_full', Infinity), 'dropped', 'queue_full'],
      ]),
    ];
    /** @type {Traced[]} */
    const accepted = [];
    for (; this.#next < next; this.#next += 1) {
      const event = this.#accepted(this.#next, seen);
      if (this.#next === next - 1) this.#identify(event, last);
      this.#numbered.set(this.#next, event);
      accepted.push(event);
    }
    for (const [count, fate, reason] of others) {
      for (let n = 0; n < count && this.#waiting.length > 0; n += 1) {
        this.#end(/** @type {Traced} */ (this.#waiting.shift()), fate, reason);
      }
    }
    return accepted;
  }

  /** Which call it was that was given this number. */
  #accepted(/** @type {number} */ number, /** @type {Seen[]} */ seen) {
    // `enrich` may take longer for one than for the next.
    if (this.#waiting.length > 1) {
      const holds = ({ first = Infinity, events = 0 }) =>
        number >= first && number < first + events;
      const batch = seen.find(holds);
      const body = batch && this.#core.places(batch.key).body;
      const sent = body?.events[number - (batch?.first ?? 0)];
      const isIt = (/** @type {Traced} */ { name, at }) =>
        name === (sent?.event_name ?? sent?.experiment_id) && at === Date.parse(sent?.timestamp);
      const index = this.#waiting.findIndex(isIt);
      if (index >= 0) return this.#waiting.splice(index, 1)[0];
    }
    return this.#waiting.shift() ?? this.#begin('event', '', Date.now(), undefined);
  }

  #whyNot() {
    const { state, config } = this.stats;
    if (state === 'disabled') return this.host.disabled ?? 'logging is off';
    if (state === 'shut-down') return 'shut down';
    return config.consent === 'denied' ? 'consent is denied' : 'killed';
  }

  #settleFields(/** @type {Traced} */ event, /** @type {number} */ leftOut) {
    if (leftOut === 0) return;
    event.leftOut = leftOut;
    this.read(event);
    const names = missing(event);
    const what = names.length > 0 ? names.map((name) => `"${name}"`).join(', ') : leftOut;
    this.#tell(event, `left out: ${what}`);
  }

  #place(/** @type {Seen[]} */ seen) {
    // What is in memory comes first, and may be told of twice.
    const placed = new Set();
    for (const now of seen) {
      if (now.place === 'copy' || placed.has(now.key)) continue;
      placed.add(now.key);
      const known = this.batches.get(now.key);
      /** @type {Batch} */
      const batch = known ?? { ...now, members: [], stored: false };
      const before = { ...batch };
      const { place, attempts, events, request } = now;
      const first = now.first ?? batch.first;
      Object.assign(batch, { place, attempts, events, request, first });
      this.batches.set(now.key, batch);
      const inMemory = place !== 'stored' && place !== 'ofOthers';
      const isNew = !known || before.place !== place || before.request !== request;
      if (inMemory && place !== 'open' && isNew && batch.id === undefined) this.#read(batch);
      if (first !== undefined) this.#gather(batch, first);
      if (isNew) for (const event of batch.members) this.#moved(event, batch);
    }
  }

  /** Finds a batch's events by their numbers. */
  #gather(/** @type {Batch} */ batch, /** @type {number} */ first) {
    const end = first + batch.events;
    const same = batch.members.length > 0 && this.#numbered.get(end - 1)?.batch === batch;
    if (same && this.#numbered.get(first)?.batch === batch) return;
    batch.members = [];
    for (let number = first; number < end; number += 1) {
      const event = this.#numbered.get(number);
      if (!event) continue;
      batch.members.push(event);
      if (event.batch !== batch) {
        event.batch = batch;
        this.#moved(event, batch);
      }
    }
  }

  #moved(/** @type {Traced} */ event, /** @type {Batch} */ batch) {
    const { place, attempts, seq, request } = batch;
    const fate = fates[place];
    const name = seq === undefined ? 'its batch' : `batch ${seq}`;
    const text = {
      open: 'queued',
      ready: `in ${name}, which waits to be sent`,
      storing: `in ${name}, on its way to the store`,
      flight: `in ${name}, sent: attempt ${attempts + 1}`,
      handedOver: `in ${name}, sent as the page went away`,
      stored:
        request === undefined
          ? `in ${name}, stored${attempts > 0 ? `, refused so far: ${attempts}` : ''}`
          : `in ${name}, sent as the page went away, with a copy in the store`,
      ofOthers: `in ${name}, in the store`,
      copy: '',
    }[place];
    event.fate = fate;
    event.reason = undefined;
    if (event.story.at(-1)?.text !== text) this.#tell(event, text);
  }

  #copied(/** @type {Seen[]} */ seen) {
    const copies = new Set(seen.filter(({ place }) => place === 'copy').map(({ key }) => key));
    for (const batch of this.batches.values()) {
      const copied = copies.has(batch.key);
      if (copied && !batch.stored) {
        for (const event of batch.members) this.#tell(event, 'a copy is in the store');
      }
      batch.stored = copied || batch.place === 'stored' || batch.place === 'ofOthers';
    }
  }

  /** What became of batches that are nowhere any more. */
  #vanished(
    /** @type {Seen[]} */ seen,
    /** @type {Traced[]} */ fresh,
    /** @type {Changes} */ changes,
  ) {
    const keys = new Set(seen.filter(({ place }) => place !== 'copy').map(({ key }) => key));
    const gone = [...this.batches.values()].filter(({ key }) => !keys.has(key));
    for (const batch of gone) this.batches.delete(batch.key);
    this.#storedAtOnce(gone, fresh);
    // A request's end comes before what it makes room for.
    const inFlight = (/** @type {Batch} */ { request }) => (request === undefined ? 1 : 0);
    for (const batch of gone.sort((a, b) => inFlight(a) - inFlight(b))) {
      const members = batch.members.filter((event) => event.batch === batch);
      // Its events are in other batches now.
      if (members.length === 0 && batch.members.length > 0) continue;
      this.#ended(batch, members, changes);
    }
  }

  /** Events that came into the store, in a batch that was never seen in memory, between two steps. */
  #storedAtOnce(/** @type {Batch[]} */ gone, /** @type {Traced[]} */ fresh) {
    const left = gone
      .filter(({ request }) => request === undefined)
      .flatMap((batch) => batch.members.filter((event) => event.batch === batch));
    const orphans = [...left, ...fresh.filter(({ batch }) => batch === undefined)];
    for (const batch of this.batches.values()) {
      const isStranger = batch.place === 'stored' && batch.members.length === 0 && !batch.stored;
      if (!isStranger || orphans.length < batch.events) continue;
      batch.members = orphans.splice(0, batch.events);
      for (const event of batch.members) {
        event.batch = batch;
        this.#moved(event, batch);
      }
    }
  }

  /**
   * @param {Batch} batch
   * @param {Traced[]} members
   * @param {Changes} changes
   */
  #ended({ place, events, request }, members, changes) {
    const requested = request !== undefined;
    if (requested && changes.delivered > 0) {
      const rejected = take(changes.dropped, 'rejected', events - changes.delivered);
      changes.delivered -= events - rejected;
      const but = `, but the endpoint rejected ${rejected} of the batch's ${events} events`;
      for (const event of members) {
        this.#end(event, 'delivered', rejected > 0 ? `delivered${but}` : undefined);
      }
      return;
    }
    // Handed over it stays, if no answer was heard.
    if (place === 'handedOver' && sum(changes.dropped) < events) return;
    const reason = Object.keys(changes.dropped).find((name) => changes.dropped[name] >= events);
    if (reason !== undefined) {
      take(changes.dropped, reason, events);
      for (const event of members) this.#end(event, 'dropped', reason);
    } else {
      const stored = place === 'stored' || place === 'ofOthers';
      const how = stored ? 'another tab or process took it over' : undefined;
      for (const event of members) this.#end(event, 'handed over', how);
    }
  }

  /** Asks for a batch's events as they are sent. */
  #read(/** @type {Batch} */ batch) {
    const { body } = this.#core.places(batch.key);
    if (body) this.#take(batch, body);
  }

  #take(/** @type {Batch} */ batch, /** @type {any} */ body) {
    if (batch.place !== 'open') Object.assign(batch, { id: body.batch.id, seq: body.batch.seq });
    /** @type {any[]} */
    const events = body.events;
    const fresh = [];
    for (const [index, sent] of events.entries()) {
      const { event_id: id, event_name: name, experiment_id: experiment, timestamp } = sent;
      let event =
        this.#byId.get(id) ??
        (batch.first === undefined ? undefined : this.#numbered.get(batch.first + index));
      if (!event && batch.first === undefined) {
        // Of an earlier visit, or of another tab.
        const kind = name === undefined ? 'exposure' : 'event';
        event = this.#begin(kind, name ?? experiment, Date.parse(timestamp), undefined);
        this.#tell(event, 'found in the store, where an earlier visit or another tab left it');
      }
      if (!event) continue;
      event.sent = sent;
      event.name ||= name ?? experiment;
      if (event.id === undefined) this.#identify(event, id);
      fresh.push(event);
    }
    if (batch.first === undefined) {
      batch.members = fresh;
      for (const event of fresh) event.batch = batch;
    }
  }

  /**
   * @param {Traced['kind']} kind
   * @param {string} name
   * @param {number} at
   * @param {any} given
   */
  #begin(kind, name, at, given) {
    this.#count += 1;
    /** @type {Traced} */
    const event = {
      ...{ number: this.#count, kind, name, at, given },
      ...{ fate: 'waiting', leftOut: 0, story: [] },
    };
    event.story.push({ at, text: kind === 'event' ? 'logged' : 'exposure logged' });
    this.events.push(event);
    return event;
  }

  #identify(/** @type {Traced} */ event, /** @type {string} */ id) {
    event.id = id;
    this.#byId.set(id, event);
  }

  #tell(/** @type {Traced} */ event, /** @type {string} */ text) {
    event.story.push({ at: Date.now(), text });
  }

  /**
   * @param {Traced} event
   * @param {Fate} fate
   * @param {string} [reason]
   */
  #end(event, fate, reason) {
    event.fate = fate;
    event.reason = reason;
    this.#tell(event, reason === undefined ? fate : `${fate}: ${reason}`);
  }

  #forget() {
    while (this.events.length > mostEvents) {
      const event = /** @type {Traced} */ (this.events.shift());
      if (event.id !== undefined) this.#byId.delete(event.id);
      for (const [number, other] of this.#numbered) {
        if (other === event) this.#numbered.delete(number);
        if (other === event || number > event.number) break;
      }
    }
  }
}

/** The names of the fields that were given and not sent. */
function missing(/** @type {Traced} */ { kind, given, sent }) {
  const fields = kind === 'event' ? sent?.event_metadata : undefined;
  if (!sent || kind !== 'event' || typeof given !== 'object' || given === null) return [];
  return Object.keys(given).filter(
    (name) => given[name] !== undefined && !(name in (fields ?? {})),
  );
}

/** @typedef {ReturnType<typeof difference>} Changes */

/**
 * @param {import('../../index.d.ts').Ledger} before
 * @param {import('../../index.d.ts').Ledger} after
 */
function difference(before, after) {
  /** @type {Record<string, number>} */
  const dropped = {};
  for (const [reason, count] of Object.entries(after.dropped)) {
    dropped[reason] = count - (before.dropped[/** @type {'killed'} */ (reason)] ?? 0);
  }
  return {
    dropped,
    delivered: after.delivered - before.delivered,
    sampledOut: after.sampledOut - before.sampledOut,
    suppressed: after.suppressed - before.suppressed,
    fieldsLeftOut: after.fieldsLeftOut - before.fieldsLeftOut,
  };
}

/** Takes as much of a count as there is, up to some. */
function take(
  /** @type {Record<string, number>} */ counts,
  /** @type {string} */ name,
  /** @type {number} */ most,
) {
  const taken = Math.max(Math.min(counts[name] ?? 0, most), 0);
  if (taken > 0) counts[name] -= taken;
  return taken;
}

const sum = (/** @type {Record<string, number>} */ counts) =>
  Object.values(counts).reduce((total, count) => total + count, 0);

const textOf = (/** @type {unknown} */ name) =>
  typeof name === 'string' ? name.slice(0, 256) : `(${typeof name})`;
