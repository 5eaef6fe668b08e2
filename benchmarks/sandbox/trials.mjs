import { openIsolates } from './isolates.mjs';
import { openRivals } from './rivals.mjs';
import { openWorkerSide } from './worker-side.mjs';

const DOCUMENT = {
  _id: 'pattern:42',
  _type: 'pattern',
  name: 'Observer pattern in small systems',
  tags: ['a', 'bb', 'ccc'],
  n: 41,
  score: 0.75,
  active: true,
  nested: { x: 1, y: 2, z: 'text' },
  note: 'some two hundred bytes',
};
const documents = (count) => Array.from({ length: count }, (_, n) => ({ ...DOCUMENT, n }));

/** Values of about 200 bytes and 2 KB. */
export const SMALL = DOCUMENT;
export const LARGE = { ...DOCUMENT, items: documents(10) };
export const CODE = 'function f(doc) { return { ...doc, n: doc.n + 1 } }';
const CALLS = 'function f(count) { for (let i = 0; i < count; i++) host(); return 0 }';
/** So many that the call around them does not count. */
const HOST_CALLS = 1_000;

const clean = { name: 'clean call, 200 B', ours: (side) => side.clean(CODE, SMALL) };
const warm = { name: 'warm call (reuse), 2 KB', ours: (side) => side.warm(CODE, LARGE) };

/**
 * What is compared, each side in a process of its own: a call of it does `each` times what is
 * measured.
 */
export const TRIALS = [
  {
    ...clean,
    against: 'fresh runtime and context of quickjs-emscripten',
    theirs: rivals((rivals) => rivals.wrapperFresh(CODE, SMALL)),
  },
  {
    ...clean,
    against: 'a node:vm context',
    theirs: rivals((rivals) => rivals.vmContext(CODE, SMALL)),
  },
  {
    ...clean,
    against: 'a context of isolated-vm',
    theirs: isolates((isolates) => isolates.isolateContext(CODE, SMALL)),
  },
  {
    name: 'warm call (reuse), 200 B',
    ours: (side) => side.warm(CODE, SMALL),
    against: 'a kept context of quickjs-emscripten, JSON',
    theirs: rivals((rivals) => rivals.wrapperKept(CODE, SMALL)),
  },
  {
    ...warm,
    against: 'a kept context of quickjs-emscripten, JSON',
    theirs: rivals((rivals) => rivals.wrapperKept(CODE, LARGE)),
  },
  {
    ...warm,
    against: 'a kept context of isolated-vm, copying',
    theirs: isolates((isolates) => isolates.isolateCopy(CODE, LARGE)),
  },
  {
    ...warm,
    against: 'a kept context of isolated-vm, JSON',
    theirs: isolates((isolates) => isolates.isolateJson(CODE, LARGE)),
  },
  {
    name: 'host call that does nothing',
    ours: (side) => side.hostCalls(CALLS, HOST_CALLS),
    against: 'the same through quickjs-emscripten',
    theirs: rivals((rivals) => rivals.wrapperHostCalls(CALLS, HOST_CALLS)),
    each: HOST_CALLS,
  },
];

/** Makes one side of a trial: undefined when the rival is not there. */
export async function openSide({ ours, theirs }, which) {
  return which === 'ours' ? ours(await openWorkerSide()) : theirs();
}

function rivals(make) {
  return async () => make(await openRivals());
}

function isolates(make) {
  return async () => {
    const isolates = await openIsolates();
    return isolates && make(isolates);
  };
}
