import fc from 'fast-check';
import { expect } from 'vitest';
import type {
  ChangeList,
  CreateIndex,
  IndexChange,
  IndexCursor,
  KeyRange,
  OrderedIndex,
} from '#jdbx/indexes/contract.js';
import { firstRead, TIED } from '#jdbx/indexes/first-read.js';
import { PackedChanges } from '#jdbx/indexes/packed-changes.js';
import { type Entry, IndexModel } from './index-model.ts';

/** What a random history is made of. Numbers are choices, read against the state they meet. */
export type Step =
  | { do: 'write'; entries: { key: number; ref: number }[] }
  | { do: 'bulk'; from: number; count: number; stride: number; ref: number }
  | { do: 'misuse'; entries: { key: number; ref: number }[]; at: number }
  | { do: 'revert' }
  | { do: 'release'; to: number }
  | { do: 'scan' | 'open'; range: KeyRange; at: number; batch: number; keys: boolean }
  | { do: 'read' | 'close'; cursor: number };

/** Keys that share prefixes and hold the outermost bytes, a long one, and a thousand ordinary ones. */
const ODD_KEYS = [[], [0], [0, 0], [1], [127], [128], [254, 255], [255], [255, 255]].map(
  (bytes) => new Uint8Array(bytes),
);
const LONG_KEYS = [1, 2].map((last) => new Uint8Array(5_000).fill(7).fill(last, 4_999));
const KEYS = [
  ...ODD_KEYS,
  ...LONG_KEYS,
  ...Array.from({ length: 1_000 }, (_, n) => new Uint8Array([100, n >> 8, n & 255])),
];
const REFS = [1, 2, 3, 0x8000_0000, 0xffff_ffff];

const few = { max: ODD_KEYS.length + LONG_KEYS.length + 3 };
const keyChoice = fc.oneof(fc.nat(few), fc.nat({ max: KEYS.length - 1 }));
const refChoice = fc.nat({ max: REFS.length - 1 });
const entries = fc.array(fc.record({ key: keyChoice, ref: refChoice }), {
  minLength: 1,
  maxLength: 6,
});
const end = fc.option(
  keyChoice.map((choice) => KEYS[choice]),
  { nil: undefined },
);
const inclusive = fc.constantFrom(true, false, undefined);
const range = fc.record({
  lower: end,
  upper: end,
  lowerInclusive: inclusive,
  upperInclusive: inclusive,
  reverse: inclusive,
});
const reading = {
  range,
  at: fc.nat(),
  batch: fc.constantFrom(1, 2, 7, 100, 1_000),
  keys: fc.boolean(),
};

export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), entries }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('bulk' as const),
      from: fc.nat({ max: KEYS.length }),
      count: fc.nat({ max: 400 }),
      stride: fc.constantFrom(1, 2, 7, -1),
      ref: refChoice,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('misuse' as const), entries, at: fc.nat() }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('revert' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), to: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('scan' as const), ...reading }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('open' as const), ...reading }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('read' as const), cursor: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const), cursor: fc.nat() }) },
);

interface OpenCursor {
  readonly cursor: IndexCursor;
  readonly expected: Entry[];
  readonly seq: number;
  readonly batch: number;
  readonly keys: boolean;
}

/** Runs steps against an index and the model, and compares whatever can be seen. */
export class History {
  readonly #index: OrderedIndex;
  readonly #model = new IndexModel();
  readonly #commits = new Map<number, IndexChange[]>();
  #cursors: OpenCursor[] = [];
  #seq = 0;
  #released = 0;

  constructor(create: CreateIndex) {
    this.#index = create();
  }

  run(steps: readonly Step[]): void {
    for (const one of steps) this.#run(one);
    for (const cursor of this.#cursors) this.#readOn(cursor);
    for (let seq = Math.max(this.#released, this.#seq - 5); seq <= this.#seq; seq++) {
      this.#compare({}, seq, 64, true);
      this.#compare({ reverse: true }, seq, 64, true);
    }
    this.#index.close();
  }

  #run(one: Step): void {
    switch (one.do) {
      case 'write':
        this.#write(this.#toggle(one.entries.map(({ key, ref }) => [key, ref])));
        break;
      case 'bulk':
        this.#write(this.#toggle(bulkChoices(one)));
        break;
      case 'misuse':
        this.#misuse(one.entries, one.at);
        break;
      case 'revert':
        this.#revert();
        break;
      case 'release':
        this.#release(one.to);
        break;
      case 'scan':
        this.#compare(one.range, this.#snapshot(one.at), one.batch, one.keys);
        break;
      case 'open':
        this.#open(one.range, this.#snapshot(one.at), one.batch, one.keys);
        break;
      case 'read':
        this.#readOne(one.cursor);
        break;
      case 'close':
        this.#close(one.cursor);
        break;
    }
  }

  /** Inserts what does not live and removes what does; one pair may come several times. */
  #toggle(choices: [key: number, ref: number][]): IndexChange[] {
    const flipped = new Map<string, boolean>();
    return choices.map(([keyAt, refAt]) => {
      const key = KEYS[keyAt] as Uint8Array;
      const ref = REFS[refAt] as number;
      const lives = flipped.get(`${keyAt} ${refAt}`) ?? this.#model.lives(key, ref);
      flipped.set(`${keyAt} ${refAt}`, !lives);
      return { kind: lives ? 'remove' : 'insert', key, ref };
    });
  }

  #write(changes: IndexChange[]): void {
    this.#seq++;
    this.#index.apply(this.#listed(changes), this.#seq);
    this.#model.apply(changes, this.#seq);
    this.#commits.set(this.#seq, changes);
    this.#compareStats();
  }

  /** Every other commit comes packed. */
  #listed(changes: IndexChange[], ahead = 0): ChangeList {
    if ((this.#seq + ahead) % 2 === 0) return changes;
    const packed = new PackedChanges();
    for (const { kind, key, ref } of changes) packed.begin(kind, ref).key(key, key.length);
    return packed;
  }

  /** One wrong change among right ones: nothing of them may stay. */
  #misuse(choices: { key: number; ref: number }[], at: number): void {
    const right = this.#toggle(choices.map(({ key, ref }) => [key, ref]));
    const place = at % right.length;
    const { kind, key, ref } = right[place] as IndexChange;
    const wrong: IndexChange = { kind: kind === 'insert' ? 'remove' : 'insert', key, ref };
    const changes = right.with(place, wrong);
    const apply = () => this.#index.apply(this.#listed(changes, 1), this.#seq + 1);
    expect(apply).toThrow(/cannot (insert|remove)/);
    this.#compareStats();
    this.#compare({}, this.#seq + 1, 64, false);
  }

  #revert(): void {
    const changes = this.#commits.get(this.#seq);
    if (!changes || this.#seq <= this.#released) return;
    this.#cursors = this.#cursors.filter(({ seq }) => seq < this.#seq);
    this.#index.revert(this.#listed(changes), this.#seq);
    this.#model.revert(this.#seq);
    this.#commits.delete(this.#seq--);
    this.#compareStats();
  }

  #release(choice: number): void {
    const oldest = Math.min(this.#seq, ...this.#cursors.map(({ seq }) => seq));
    this.#released += choice % (oldest - this.#released + 1);
    this.#index.release(this.#released);
    this.#model.release(this.#released);
    this.#compareStats();
  }

  #snapshot(choice: number): number {
    return this.#released + (choice % (this.#seq - this.#released + 1));
  }

  #compare(range: KeyRange, seq: number, batch: number, keys: boolean): void {
    const expected = this.#model.read(range, seq);
    expect(this.#index.count(range, seq)).toBe(expected.length);
    this.#compareFirst(range, seq, batch, expected);
    this.#readOn({ cursor: this.#index.scan(range, seq), expected, seq, batch, keys });
  }

  /** In one step, as far as a range with both ends, the lower one included, has a span. */
  #compareFirst(range: KeyRange, seq: number, wanted: number, expected: readonly Entry[]): void {
    const { lower, upper, upperInclusive = false, lowerInclusive = true, reverse = false } = range;
    if (!lower || !upper || !lowerInclusive || !this.#index.first) return;
    const bytes = new Uint8Array([...lower, ...upper, 99]);
    const span = { bytes, lowerLength: lower.length, upperLength: upper.length, upperInclusive };
    const count = this.#index.first(span, seq, { wanted, reverse, distinct: false });
    const part = expected.slice(0, wanted);
    expect([...firstRead.refs.subarray(0, count)]).toEqual(part.map(({ ref }) => ref));
    const isTied = part.some(({ key }, at) => {
      const before = part[at - 1];
      return before !== undefined && Buffer.compare(key, before.key) === 0;
    });
    const distinct = this.#index.first(span, seq, { wanted, reverse, distinct: true });
    expect(distinct).toBe(isTied ? TIED : count);
    if (isTied) return;
    expect([...firstRead.refs.subarray(0, count)]).toEqual(part.map(({ ref }) => ref));
  }

  #open(range: KeyRange, seq: number, batch: number, keys: boolean): void {
    const cursor = this.#index.scan(range, seq);
    this.#cursors.push({ cursor, expected: this.#model.read(range, seq), seq, batch, keys });
  }

  #readOne(choice: number): void {
    const open = this.#cursors[choice % this.#cursors.length];
    if (open && !readBatch(open)) this.#cursors = this.#cursors.filter((other) => other !== open);
  }

  #readOn(open: OpenCursor): void {
    while (readBatch(open));
    expect(readBatch(open)).toBe(false);
  }

  #close(choice: number): void {
    const open = this.#cursors[choice % this.#cursors.length];
    open?.cursor.close();
    expect(open?.cursor.next({ refs: new Uint32Array(1) }) ?? 0).toBe(0);
    this.#cursors = this.#cursors.filter((other) => other !== open);
  }

  #compareStats(): void {
    const { entries, live } = this.#index.stats();
    expect({ entries, live }).toEqual(this.#model.stats());
  }
}

function bulkChoices({ from, count, stride, ref }: Step & { do: 'bulk' }): [number, number][] {
  return Array.from({ length: count }, (_, n): [number, number] => [from + n * stride, ref]).filter(
    ([key]) => key >= 0 && key < KEYS.length,
  );
}

/** Reads one batch and compares it; false at the end. */
function readBatch({ cursor, expected, batch, keys }: OpenCursor): boolean {
  const read = {
    refs: new Uint32Array(batch),
    keys: keys ? new Array<Uint8Array>(batch) : undefined,
  };
  const count = cursor.next(read);
  const due = expected.splice(0, count);
  expect([...read.refs.subarray(0, count)]).toEqual(due.map(({ ref }) => ref));
  if (read.keys) {
    for (const [at, { key }] of due.entries()) {
      expect(Buffer.compare(read.keys[at] as Uint8Array, key)).toBe(0);
    }
  }
  if (count === 0) expect(expected).toEqual([]);
  return count > 0;
}
