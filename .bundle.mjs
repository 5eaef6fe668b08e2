// Puts what the compiler wrote into a few files: reading 600 of them took most of the time that
// importing the package takes (365 ms of a process, 130 from four). Each module's own file stays,
// and hands on what it exported, so nothing is there twice.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = fileURLToPath(new URL('.', import.meta.url));
const DIST = join(ROOT, 'dist');

/**
 * Each chunk holds what one module imports, and is not in a chunk before it: so a thread reads no
 * more than it uses. The module itself stays out, since it may be a program.
 */
const CHUNKS = [
  ['guest', 'sandbox/worker'],
  ['near', 'pipelines/guests/near-database'],
  ['core', 'index'],
  ['cli', 'cli/main'],
];

/** Code that becomes text inside of a guest's realm: not a letter of it may change. */
const GUEST_TEXT = /[\\/]sandbox[\\/]guest(-apis)?[\\/]/;

const names = modulesOf(join(ROOT, 'src'), '.ts').filter((name) => !name.endsWith('.d'));
removeStale();
await bundle();

function modulesOf(folder, ending) {
  return readdirSync(folder, { recursive: true })
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length));
}

/** What a source that is gone left behind would be bundled and published. */
function removeStale() {
  const sources = new Set(names);
  for (const name of modulesOf(DIST, '.js')) {
    if (sources.has(name)) continue;
    for (const ending of ['.js', '.js.map', '.d.ts'])
      rmSync(join(DIST, name + ending), { force: true });
  }
}

async function bundle() {
  const own = names.filter((name) => !GUEST_TEXT.test(`/${name}`));
  const importsOf = new Map();
  const build = await rolldown({
    input: Object.fromEntries(own.map((name) => [name, join(DIST, `${name}.js`)])),
    external: [/^node:/, /^[@a-z](?!:)/, GUEST_TEXT],
    platform: 'node',
    treeshake: false,
    preserveEntrySignatures: 'strict',
    plugins: [keepMapsAndPlaces(), noteImports(importsOf)],
  });
  const { output } = await build.write({
    dir: DIST,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    keepNames: true,
    sourcemap: true,
    codeSplitting: {
      groups: CHUNKS.map(([name, root], index) => {
        const members = new Set();
        return {
          name,
          priority: CHUNKS.length - index,
          test: (id) => {
            if (members.size === 0) addImported(join(DIST, `${root}.js`), importsOf, members);
            return members.has(id);
          },
        };
      }),
    },
  });
  removeMaps(own, new Set(output.map(({ fileName }) => fileName)));
}

/** The compiler's map of a file that is only a door by now tells of lines which are elsewhere. */
function removeMaps(own, written) {
  for (const map of own.map((name) => `${name}.js.map`)) {
    if (!written.has(map)) rmSync(join(DIST, map), { force: true });
  }
}

function noteImports(importsOf) {
  return {
    name: 'note-imports',
    moduleParsed: ({ id, importedIds }) => void importsOf.set(id, importedIds),
  };
}

function addImported(id, importsOf, members) {
  for (const imported of importsOf.get(id) ?? []) {
    if (members.has(imported)) continue;
    members.add(imported);
    addImported(imported, importsOf, members);
  }
}

/** Each module goes on to find files from its own place, and its lines in its source. */
function keepMapsAndPlaces() {
  return {
    name: 'keep-maps-and-places',
    load(id) {
      const code = readFileSync(id, 'utf8').replaceAll(
        'import.meta.url',
        `PLACE_OF(${JSON.stringify(id)})`,
      );
      return { code, map: JSON.parse(readFileSync(`${id}.map`, 'utf8')) };
    },
    renderChunk(code, { fileName }) {
      const from = dirname(join(DIST, fileName));
      const placed = code.replaceAll(/PLACE_OF\(("[^"]*")\)/g, (_, id) => {
        const path = relative(from, JSON.parse(id)).split(sep).join('/');
        return `new URL(${JSON.stringify(path)}, import.meta.url).href`;
      });
      // No line has moved.
      return { code: placed, map: null };
    },
  };
}
