import { open } from 'jdbx';
import { diskBytesOf } from './disk.mjs';

/** Transformers, which cannot import: the text is made as `newHistory` in works.mjs makes it. */
const CODE = {
  nothing: 'function nothing() { return null; }',
  add: `function add({ at }) { ${textOf()} return text; }`,
  hand_on: `function handOn({ at, history }) { ${textOf()} return [...history, text]; }`,
};

function textOf() {
  return `let state = at * 2654435761 + 1, text = at + ':';
    while (text.length < 2048) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      text += state.toString(36);
    }
    text = text.slice(0, 2048);`;
}

/** Each stage leaves its own 2 KB; the context of the next ones holds them all. */
export const openSubject = ({ directory }) => openJdbx(directory, 'add');
/** Each stage takes the whole history and gives it back with 2 KB more. */
export const openHandingOn = ({ directory }) => openJdbx(directory, 'hand_on');

async function openJdbx(directory, adding) {
  const db = await open(directory);
  await db.put(
    Object.entries(CODE).map(([name, code]) => ({
      _id: `transformer:${name}`,
      _type: 'transformer',
      code,
      limits: { output_kb: 8192 },
    })),
  );
  const put = new Set();
  return {
    async run({ stages, history }) {
      const pipeline = `pipeline:${history ? adding : 'nothing'}-${stages}`;
      if (!put.has(pipeline))
        await db.put(documentOf(pipeline, stages, history ? adding : 'nothing'));
      put.add(pipeline);
      const starts = [];
      const key = `${pipeline}/${put.size}/${Math.random()}`;
      const onEnd = ({ run }) => run.endsWith(key) && starts.push(performance.now());
      db.events.on('stage-end', onEnd);
      await db.run(pipeline, {}, { key });
      db.events.off('stage-end', onEnd);
      return starts;
    },
    diskBytes: () => diskBytesOf(directory),
    close: () => db.close(),
  };
}

function documentOf(_id, count, kind) {
  const stages = Array.from({ length: count }, (_, at) => ({
    name: `s${at}`,
    transformer: `transformer:${kind}`,
    inputs: inputsOf(kind, at),
  }));
  return { _id, _type: 'pipeline', stages };
}

function inputsOf(kind, at) {
  if (kind === 'nothing') return {};
  return kind === 'add' ? { at } : { at, history: at === 0 ? [] : `$s${at - 1}` };
}
