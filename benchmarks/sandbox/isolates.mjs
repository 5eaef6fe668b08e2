import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('./isolates/', import.meta.url));

/**
 * isolated-vm as a rival, from a package of the benchmark's own that is
 * installed when it is first asked for (it is built from C++, for some minutes).
 * Node must run with `--no-node-snapshot`. Undefined where that is not possible.
 */
export async function openIsolates() {
  const load = createRequire(new URL('./isolates/package.json', import.meta.url));
  if (!existsSync(`${HERE}node_modules/isolated-vm`)) install();
  try {
    return rivals(load('isolated-vm'));
  } catch (error) {
    console.error(`isolated-vm is left out: ${error.message.split('\n')[0]}`);
    return undefined;
  }
}

function install() {
  console.error('installing isolated-vm for the comparison');
  spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: HERE, stdio: 'ignore' });
}

async function rivals(ivm) {
  const isolate = new ivm.Isolate({ memoryLimit: 128 });

  function keptEntry(code, entry) {
    const context = isolate.createContextSync();
    context.evalSync(code);
    return context.evalSync(entry, { reference: true });
  }

  return {
    isolateContext: (code, value) => {
      const source = `${code}; (text) => JSON.stringify(f(JSON.parse(text)))`;
      const script = isolate.compileScriptSync(source);
      return () => {
        const context = isolate.createContextSync();
        const entry = script.runSync(context, { reference: true });
        const text = entry.applySync(undefined, [JSON.stringify(value)]);
        // A reference keeps its context alive.
        entry.release();
        context.release();
        return JSON.parse(text);
      };
    },
    isolateCopy: (code, value) => {
      const entry = keptEntry(code, 'f');
      const options = { arguments: { copy: true }, result: { copy: true } };
      return () => entry.applySync(undefined, [value], options);
    },
    isolateJson: (code, value) => {
      const entry = keptEntry(code, '(text) => JSON.stringify(f(JSON.parse(text)))');
      return () => JSON.parse(entry.applySync(undefined, [JSON.stringify(value)]));
    },
    close: () => isolate.dispose(),
  };
}
