// The outage, told in a minute: real events, the real store, the real endpoint. It goes on after the
// reload in its middle, and ends with what the database says.
import { collector } from './collector.js';
import { byId, el, number, setText } from './dom.js';
import { telemetry } from './telemetry.js';

const KEPT = 'demo.story';
const EVENT = 'story_event';
const BEAT_MILLIS = 400;
const POLL_MILLIS = 250;
/** `?pace=10` tells it ten times as fast. */
const pace = Math.max(Number(new URLSearchParams(location.search).get('pace')) || 1, 0.1);

/**
 * @typedef {object} Chapter
 * @property {string} title
 * @property {string} text
 * @property {number} seconds at least
 * @property {() => unknown} [enter]
 * @property {() => boolean | Promise<boolean>} [done] what it waits for besides
 */

/** @type {Chapter[]} */
const chapters = [
  {
    title: 'The shop runs',
    text: 'It logs an event now and then. A call writes a few numbers into memory; batches follow on their own.',
    seconds: 8,
    enter: () => collector.setFaults({ mode: 'ok' }),
    done: () => telemetry.stats().ledger.delivered > 0,
  },
  {
    title: 'The endpoint goes down',
    text: 'Requests fail. Their batches go into IndexedDB, and attempts come at growing distances: nothing is hammered.',
    seconds: 14,
    enter: () => collector.setFaults({ mode: 'down' }),
    done: () => telemetry.stats().store.events > 0,
  },
  {
    title: 'The page is reloaded in the middle of it',
    text: 'What was in memory was written in the very task in which the page went. Nothing is lost with it.',
    seconds: 8,
    enter: () => location.reload(),
  },
  {
    title: 'A hundred more, still down',
    text: 'They wait with the others. The ledger balances at every moment.',
    seconds: 10,
    enter: () => logStory(100),
  },
  {
    title: 'The endpoint is back',
    text: 'The next attempt succeeds, and what is stored follows at once, oldest first.',
    seconds: 8,
    enter: () => collector.setFaults({ mode: 'ok' }),
    done: async () => {
      await telemetry.flush({ timeoutMillis: 2_000 });
      const { ledger, store } = telemetry.stats();
      return ledger.queued + ledger.inFlight + store.events === 0;
    },
  },
  { title: 'The tally', text: '', seconds: 0, enter: showTally },
];

/** Outlives the reload. @type {{ run: number, chapter: number, logged: number } | undefined} */
let story = JSON.parse(sessionStorage.getItem(KEPT) ?? 'null') ?? undefined;
let paused = false;
/** Of the chapter that is told, in milliseconds. */
let elapsed = 0;

export function startStory() {
  byId('story-steps').append(
    ...chapters.map(({ title }) => el('li', {}, el('span', { class: 'unseen' }, title))),
  );
  byId('story-play').addEventListener('click', begin);
  byId('story-pause').addEventListener('click', () => {
    paused = !paused;
    show();
  });
  byId('story-next').addEventListener('click', () => story && enter(story.chapter + 1));
  byId('story-end').addEventListener('click', end);
  setInterval(beat, BEAT_MILLIS / pace);
  setInterval(advance, POLL_MILLIS);
  show();
}

function begin() {
  keep({ run: Math.floor(Math.random() * 1e9), chapter: 0, logged: 0 });
  enter(0);
}

async function end() {
  keep(undefined);
  show();
  await collector.setFaults({ mode: 'ok' });
}

async function enter(/** @type {number} */ chapter) {
  if (!story || chapter >= chapters.length) return;
  elapsed = 0;
  paused = false;
  keep({ ...story, chapter });
  show();
  try {
    await chapters[chapter].enter?.();
  } catch (error) {
    setText(byId('story-text'), `The collector does not answer: ${error.message}`);
  }
}

let asking = false;
async function advance() {
  if (!story || paused || asking) return;
  elapsed += POLL_MILLIS * pace;
  const { chapter } = story;
  const { seconds, done } = chapters[chapter];
  if (chapter === chapters.length - 1 || elapsed < seconds * 1_000) return;
  asking = true;
  const isDone = (await done?.()) ?? true;
  asking = false;
  if (isDone && !paused && story?.chapter === chapter) enter(chapter + 1);
}

function beat() {
  if (story && !paused && story.chapter < chapters.length - 2) logStory(1);
}

/** Numbered, so that anybody can see in the database whether one is missing or came twice. */
function logStory(/** @type {number} */ count) {
  if (!story) return;
  const { run, logged } = story;
  keep({ ...story, logged: logged + count });
  for (let i = 1; i <= count; i += 1) telemetry.logEvent(EVENT, { run, i: logged + i });
}

async function showTally() {
  if (!story) return;
  const { run, logged } = story;
  const { rows } = await collector.query(
    `SELECT count(*), count(DISTINCT json_extract(event_metadata, '$.i')) FROM events
     WHERE event_name = '${EVENT}' AND json_extract(event_metadata, '$.run') = ${run}`,
  );
  const [arrived, distinct] = rows[0].map(Number);
  setText(
    byId('story-text'),
    `Logged ${number(logged)}, arrived ${number(distinct)}, doubled ${number(arrived - distinct)}. So says the collector’s database.`,
  );
  byId('story').dataset.tally = `${logged} ${distinct} ${arrived - distinct}`;
}

function keep(/** @type {typeof story} */ next) {
  story = next;
  if (next) sessionStorage.setItem(KEPT, JSON.stringify(next));
  else sessionStorage.removeItem(KEPT);
}

function show() {
  const told = byId('story');
  told.dataset.chapter = story ? String(story.chapter) : '';
  delete told.dataset.tally;
  const last = story?.chapter === chapters.length - 1;
  byId('story-play').hidden = story !== undefined && !last;
  setText(byId('story-play'), last ? 'Play again' : 'Play the outage');
  byId('story-pause').hidden = !story || last;
  setText(byId('story-pause'), paused ? 'Go on' : 'Pause');
  byId('story-next').hidden = !story || last;
  byId('story-end').hidden = !story;
  const chapter = story && chapters[story.chapter];
  setText(byId('story-title'), chapter?.title ?? 'The outage, in a minute');
  setText(
    byId('story-text'),
    chapter?.text ??
      'The endpoint fails, the page is reloaded, the endpoint comes back: watch that every event arrives, once.',
  );
  for (const [index, item] of [...byId('story-steps').children].entries()) {
    if (index === story?.chapter) item.setAttribute('aria-current', 'step');
    else item.removeAttribute('aria-current');
    item.classList.toggle('over', story !== undefined && index < story.chapter);
  }
}
