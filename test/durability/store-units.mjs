import { seededRandom } from '#jdbx/torture/seeded-random.js';

/** Documents of a unit carry its number and how many they are. */
const KINDS = ['pair', 'pair', 'pair', 'many', 'prompt', 'expiring', 'swap', 'index', 'audit'];

/**
 * Unit `n`: one commit. `expected(ids)` says which documents it leaves under ids of its own, so
 * that no other unit touches them; shared documents are counted up instead.
 */
export function unitOf(seed, n) {
  const random = seededRandom(seed * 1_000_003 + n);
  const kind = KINDS[Math.floor(random() * KINDS.length)];
  const text = 'x'.repeat(Math.floor(random() ** 4 * 20_000));
  const group = Math.floor(random() * 10);
  return { n, kind, ...UNITS[kind](n, { text, group, random }) };
}

const document = (n, part, fields) => ({ _id: `u${n}.${part}`, _type: 'work', n, part, ...fields });

const UNITS = {
  /** Two inserts and a count. */
  pair: (n, { text, group }) => ({
    documents: [document(n, 0, { text, group }), document(n, 1, { group })],
    run: (db) => db.put([document(n, 0, { text, group }), document(n, 1, { group })]),
  }),
  /** Many documents. */
  many: (n, { group }) => {
    const documents = Array.from({ length: 30 }, (_, part) => document(n, part, { group }));
    return { documents, run: (db) => db.insert(documents) };
  },
  /** One of a few versioned documents. */
  prompt: (n, { group }) => ({
    documents: [document(n, 0, { group })],
    run: (db) =>
      db.transaction(
        (tx) => {
          tx.put({ _id: `prompt:${group}`, _type: 'prompt', template: '', by: n });
          tx.insert(document(n, 0, { group }));
        },
        { retries: 100 },
      ),
  }),
  /** What retention takes away again. */
  expiring: (n, { group }) => ({
    documents: [document(n, 0, { group })],
    run: (db) =>
      db.put([
        document(n, 0, { group }),
        { _id: `e${n}`, _type: 'expiring', group, n },
        { _id: `f${n}`, _type: 'expiring', group, n },
      ]),
  }),
  /** Moves one between two accounts: their sum stays. */
  swap: (n, { random }) => {
    const [from, to] = [Math.floor(random() * 5), 5 + Math.floor(random() * 5)];
    return {
      documents: [document(n, 0, {})],
      run: (db) =>
        db.transaction(
          async (tx) => {
            for (const [at, by] of [
              [from, -1],
              [to, 1],
            ]) {
              const old = await tx.get(`account:${at}`);
              const left = (old?.left ?? 0) + by;
              await tx.put({ _id: `account:${at}`, _type: 'account', left });
            }
            await tx.insert(document(n, 0, {}));
          },
          { retries: 1_000 },
        ),
    };
  },
  /** An index that comes or goes. */
  index: (_, { group }) => ({
    documents: [],
    run: async (db) => {
      const _id = `index:work.${group % 3}`;
      const key = [{ group: 1 }, { n: -1 }, { part: 1, n: 1 }][group % 3];
      if (group % 2 === 0) await db.put({ _id, _type: 'index', type: 'work', key });
      else await db.remove(_id);
    },
  }),
  audit: (n, { group }) => ({
    documents: [document(n, 0, { group })],
    run: (db) =>
      db.submit((draft) => {
        draft.audit({ kind: 'work', unit: n });
        const { _id, _type, ...fields } = document(n, 0, { group });
        draft.insert({ id: _id, type: _type, rev: undefined, fields, bytes: 100 });
      }),
  }),
};

/** What the store holds before any unit. */
export const DEFINITIONS = [
  {
    _id: 'retention:expiring',
    _type: 'retention',
    type: 'expiring',
    documents: { newest: 3, per: 'group' },
  },
  { _id: 'retention:prompt', _type: 'retention', type: 'prompt', revisions: { newest: 5 } },
  { _id: 'retention:log', _type: 'retention', log: { newest: 200 } },
  { _id: 'retention:audit', _type: 'retention', type: 'audit', documents: { newest: 20 } },
  { _id: 'index:n', _type: 'index', type: 'work', key: { n: 1, part: 1 }, unique: true },
];
