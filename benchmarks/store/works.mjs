import {
  domainOf,
  idOf,
  LATENCY_MAX_MS,
  makeDocument,
  projectOf,
  sessionOf,
  TAGS,
  tagOf,
  timeOf,
} from './documents.mjs';
import { clock, rateOf, rateTogether } from './pace.mjs';

/**
 * The reads, by name. Each takes a subject, random numbers and the number of documents,
 * and gives its answer. `find` names what the subject must have for it.
 */
export const READS = {
  get: { find: 'get', ask: ({ below, count }) => [idOf(below(count))] },
  'equality, 10 results': {
    find: 'session',
    ask: ({ below, count }) => [sessionOf(below(count / 10))],
  },
  'equality, 1,000 results': {
    find: 'project',
    ask: ({ below, count }) => [projectOf(below(count / 1_000))],
  },
  'range + sort + limit 20': {
    find: 'range',
    ask: ({ below, count }) => [timeOf(below(count - 20))],
  },
  'two fields, limit 50': {
    find: 'twoFields',
    ask: ({ below }) => [domainOf(below(20)), below(800) / 1_000],
  },
  '$in on an array, limit 50': {
    find: 'tags',
    ask: ({ below }) => [[tagOf(below(TAGS / 2)), tagOf(TAGS / 2 + below(TAGS / 2))]],
  },
  'scan without an index': {
    find: 'scan',
    ask: ({ below }) => [LATENCY_MAX_MS - 3 - below(6)],
    rounds: 3,
  },
};

/** Calls a second, and how much the first answers held, by which subjects are compared. */
export async function measureRead(subject, name, setting) {
  const { find, ask, rounds } = READS[name];
  if (!subject[find]) return {};
  const answered = await countAnswers(subject, name, setting);
  // Asked for beforehand, so that only the answer takes time.
  const asked = Array.from({ length: QUESTIONS }, () => ask(setting));
  let n = 0;
  const read = () => {
    const question = asked[n++ % QUESTIONS];
    return question.length === 1
      ? subject[find](question[0])
      : subject[find](question[0], question[1]);
  };
  return { rate: await rateOf(read, { isSync: subject.isSync, rounds, now: clock }), answered };
}

const QUESTIONS = 2 ** 14;

async function countAnswers(subject, name, { count }) {
  const { find, ask } = READS[name];
  const setting = settingOf(count, 7);
  let found = 0;
  for (let n = 0; n < 5; n++) {
    const answer = await subject[find](...ask(setting));
    found += Array.isArray(answer) ? answer.length : answer === undefined ? 0 : 1;
  }
  return found;
}

/** Random numbers that every subject gets alike. */
export function settingOf(count, seed) {
  let state = seed;
  const below = (max) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * max);
  };
  return { below, count };
}

/** The writes, by name. Each gives documents a second, or undefined where the subject has no such thing. */
export const WRITES = {
  'durable insert, one caller': (subject, setting) =>
    subject.insert && rateOf(() => subject.insert(fresh(setting)), { isSync: subject.isSync }),
  'durable inserts, 1,000 callers': (subject, setting) =>
    subject.insertShared && rateTogether(() => subject.insertShared(fresh(setting)), 1_000),
  'update, durable': (subject, { below, count }) =>
    subject.update &&
    rateOf(() => subject.update(idOf(below(count)), below(1_000) / 1_000), {
      isSync: subject.isSync,
    }),
  'update, in batches of 1,000': async (subject, setting) => {
    if (!subject.updateMany) return undefined;
    const update = () => subject.updateMany(changesFor(setting, 1_000));
    return 1_000 * (await rateOf(update, { isSync: subject.isSync, ms: 1_500 }));
  },
};

let next = 0;

/** A document that is not stored yet. */
function fresh({ count }) {
  return makeDocument(count + next++, count);
}

export function changesFor({ below, count }, size) {
  return Array.from({ length: size }, () => ({
    id: idOf(below(count)),
    rate: below(1_000_000) / 1_000_000,
  }));
}
