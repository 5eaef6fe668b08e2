import { type Checkpoint, emptyCheckpoint, uuid6 } from '@langchain/langgraph-checkpoint';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { open } from '#jdbx/index.js';
import { JdbxSaver } from '#jdbx/langgraph/index.js';
import { temporaryDirectory } from './temporary-directory.ts';

const folder = temporaryDirectory();
let saver: JdbxSaver;

beforeEach(async () => {
  saver = await JdbxSaver.open(folder.path);
});
afterEach(async () => {
  await saver.close();
  folder.clear();
});

const metadata = { source: 'loop', step: 0, parents: {} } as const;

function thread(thread_id: string, checkpoint_id?: string) {
  return {
    configurable: { thread_id, checkpoint_ns: '', ...(checkpoint_id && { checkpoint_id }) },
  };
}

function checkpointOf(history: unknown, version: number): Checkpoint {
  const id = uuid6(version);
  const channel_versions = { history: version };
  return { ...emptyCheckpoint(), id, channel_values: { history }, channel_versions };
}

/** A chain of checkpoints; gives the config of each. */
async function putHistories(histories: readonly unknown[], from = thread('t'), version = 1) {
  const configs = [];
  let config: object = from;
  for (const [at, history] of histories.entries()) {
    const checkpoint = checkpointOf(history, version + at);
    config = await saver.put(config, checkpoint, metadata, checkpoint.channel_versions);
    configs.push(config);
  }
  return configs;
}

async function historyAt(config: object): Promise<unknown> {
  return (await saver.getTuple(config))?.checkpoint.channel_values.history;
}

async function reopen(): Promise<void> {
  await saver.close();
  saver = await JdbxSaver.open(folder.path);
}

/** Texts of 2 KB that no two of share anything but their form. */
function entries(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${at}:${noise(at)}`);
}

function noise(seed: number): string {
  let state = seed * 2_654_435_761 + 1;
  const digits = Array.from({ length: 256 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state.toString(16).padStart(8, '0');
  });
  return digits.join('');
}

describe('what a thread costs', () => {
  it('grows by what its history grows by, not by its whole at each step', async () => {
    await using db = await open(':memory:');
    await saver.close();
    saver = new JdbxSaver(db);
    const steps = entries(300);
    await putHistories(steps.map((_, at) => steps.slice(0, at + 1)));
    const values = await saver.db.query<{ bytes: Uint8Array }>({ _type: 'langgraph_value' });
    const stored = values.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const grown = JSON.stringify(steps).length;
    expect(stored).toBeGreaterThanOrEqual(grown);
    expect(stored).toBeLessThan(1.1 * grown);
  });

  it('gives every step back as it was, after a restart too', async () => {
    const steps = entries(40);
    const histories = steps.map((_, at) => steps.slice(0, at + 1));
    const configs = await putHistories(histories);
    await reopen();
    for (const [at, config] of configs.entries()) {
      expect(await historyAt(config)).toEqual(histories[at]);
    }
  });

  it('rebuilds a value whose beginning, middle or end changed, or that shrank', async () => {
    const text = noise(1);
    const histories = [
      text,
      `x${text}`,
      `x${text}y`,
      `x${text.slice(0, 700)}!${text.slice(700)}y`,
      `${text.slice(0, 900)}y`,
      `${text.slice(0, 300)}${text.slice(300)}${text}`,
      '',
      text,
    ];
    const configs = await putHistories(histories);
    await reopen();
    for (const at of histories.keys())
      expect(await historyAt(configs[at] ?? {})).toBe(histories[at]);
  });

  it('stays readable over more steps than one value is rebuilt from', async () => {
    await using db = await open(':memory:');
    await saver.close();
    saver = new JdbxSaver(db);
    const text = noise(2);
    const histories = Array.from({ length: 600 }, (_, at) => `${text}${'.'.repeat(at)}`);
    const configs = await putHistories(histories);
    saver = new JdbxSaver(db);
    expect(await historyAt(configs.at(-1) ?? {})).toBe(histories.at(-1));
    expect(await historyAt(configs[500] ?? {})).toBe(histories[500]);
  });
});

describe('branches of a thread', () => {
  it('keep apart what they gave the same version', async () => {
    const [root] = await putHistories(['root']);
    const long = noise(3);
    const [left, leftChild] = await putHistories([`${long}left`, `${long}left!`], root as never, 2);
    const [right, rightChild] = await putHistories(
      [`${long}right`, `${long}right!`],
      root as never,
      2,
    );
    await reopen();
    const found = await Promise.all(
      [left, leftChild, right, rightChild].map((each) => historyAt(each ?? {})),
    );
    expect(found).toEqual(['left', 'left!', 'right', 'right!'].map((end) => `${long}${end}`));
  });

  it('take over from their parent what they do not write', async () => {
    const [root] = await putHistories(['root']);
    await putHistories(['left'], root as never, 2);
    const [right] = await putHistories(['right'], root as never, 2);
    const child = { ...checkpointOf('not stored', 2), id: uuid6(9) };
    expect(await historyAt(await saver.put(right ?? {}, child, metadata, {}))).toBe('right');
  });

  it('keep a checkpoint that is put again, and its children, as they were put last', async () => {
    const [first] = await putHistories([noise(4)]);
    const second = checkpointOf(`${noise(4)}two`, 2);
    const config = await saver.put(first ?? {}, second, metadata, { history: 2 });
    const [child] = await putHistories([`${noise(4)}two three`], config as never, 3);
    const again = { ...second, channel_values: { history: 'other' } };
    await saver.put(first ?? {}, again, metadata, { history: 2 });
    await reopen();
    expect(await historyAt(config)).toBe('other');
    expect(await historyAt(child ?? {})).toBe(`${noise(4)}two three`);
  });
});

describe('pending writes', () => {
  it('come in the order of path, task and place, whatever the order of writing', async () => {
    const [config] = await putHistories(['x']);
    await saver.putWrites(
      config ?? {},
      [
        ['a', 1],
        ['a', 2],
      ],
      'task-2',
      '~b',
    );
    await saver.putWrites(config ?? {}, [['a', 3]], 'task-1', '~b');
    await saver.putWrites(config ?? {}, [['a', 4]], 'task-9', '~a');
    const tuple = await saver.getTuple(config ?? {});
    expect(tuple?.pendingWrites?.map(([task, , value]) => [task, value])).toEqual([
      ['task-9', 4],
      ['task-1', 3],
      ['task-2', 1],
      ['task-2', 2],
    ]);
  });

  it('stay as first written when a task runs again, but an interrupt is replaced', async () => {
    const [config] = await putHistories(['x']);
    for (const value of ['first', 'again']) {
      await saver.putWrites(
        config ?? {},
        [
          ['a', value],
          ['__interrupt__', value],
        ],
        'task',
      );
    }
    const tuple = await saver.getTuple(config ?? {});
    expect(tuple?.pendingWrites).toEqual([
      ['task', '__interrupt__', 'again'],
      ['task', 'a', 'first'],
    ]);
  });

  it('of many tasks at once are all kept', async () => {
    const [config] = await putHistories(['x']);
    const tasks = Array.from({ length: 50 }, (_, at) => `task-${at}`);
    await Promise.all(tasks.map((task) => saver.putWrites(config ?? {}, [['a', task]], task)));
    const tuple = await saver.getTuple(config ?? {});
    expect(tuple?.pendingWrites?.map(([, , value]) => value).sort()).toEqual(tasks.sort());
  });
});

describe('the store', () => {
  it('holds checkpoints as documents to query', async () => {
    await putHistories(['a', 'b']);
    const found = await saver.db.query<{ checkpoint_id: string }>({
      _type: 'langgraph_checkpoint',
      'metadata.source': 'loop',
    });
    expect(found).toHaveLength(2);
  });

  it('finds the newest checkpoint of a thread by an index', async () => {
    await putHistories(['a']);
    const filter = { _type: 'langgraph_checkpoint', thread_id: 't', checkpoint_ns: '' };
    const plan = await saver.db.query(filter).sort({ checkpoint_id: -1 }).explain();
    expect(JSON.stringify(plan)).toContain('index:langgraph_checkpoint');
  });

  it('is left open by a saver that did not open it', async () => {
    await using db = await open(':memory:');
    const guest = new JdbxSaver(db);
    const checkpoint = checkpointOf('x', 1);
    await guest.put(thread('t'), checkpoint, metadata, { history: 1 });
    await guest.close();
    expect((await new JdbxSaver(db).getTuple(thread('t')))?.checkpoint).toEqual(checkpoint);
  });

  it('forgets a whole thread and nothing else', async () => {
    const [config] = await putHistories(['a', 'b']);
    await saver.putWrites(config ?? {}, [['a', 1]], 'task');
    await putHistories(['kept'], thread('other'));
    await saver.deleteThread('t');
    expect(await saver.db.query({ thread_id: 't' }).count()).toBe(0);
    expect(await historyAt(thread('other'))).toBe('kept');
  });

  it('gives a thread of a removed name no value of the removed one', async () => {
    await putHistories([noise(5), `${noise(5)}!`]);
    await saver.deleteThread('t');
    const [, second] = await putHistories([noise(6), `${noise(6)}!`]);
    await reopen();
    expect(await historyAt(second ?? {})).toBe(`${noise(6)}!`);
  });
});

describe('names and bad input', () => {
  it('may be long, and hold any character', async () => {
    for (const name of ['"'.repeat(2_000), 'a:b|c', '🦊', '["t"]']) {
      await putHistories([name], thread(name));
      expect(await historyAt(thread(name))).toBe(name);
    }
  });

  it('are refused when they are no text, naming the field', async () => {
    const checkpoint = checkpointOf('x', 1);
    const put = (thread_id: unknown) =>
      saver.put({ configurable: { thread_id } }, checkpoint, metadata, {});
    await expect(put(1)).rejects.toThrow(/put: .*configurable\.thread_id.* string, got number/);
    await expect(put(null)).rejects.toThrow(TypeError);
    await expect(put('')).rejects.toThrow(TypeError);
    await expect(saver.deleteThread('')).rejects.toThrow(TypeError);
    expect(await saver.db.query({ _type: 'langgraph_checkpoint' }).count()).toBe(0);
  });

  it('writes nothing of a checkpoint with a value that is too large', async () => {
    const checkpoint = checkpointOf('x'.repeat(17 * 2 ** 20), 1);
    const put = saver.put(thread('t'), checkpoint, metadata, { history: 1 });
    await expect(put).rejects.toMatchObject({ code: 'DOCUMENT_TOO_LARGE' });
    expect(await saver.getTuple(thread('t'))).toBeUndefined();
  });

  it('refuses a closed store with its code', async () => {
    await saver.close();
    const put = saver.put(thread('t'), checkpointOf('x', 1), metadata, { history: 1 });
    await expect(put).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  });
});
