import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/**
 * Compiles QuickJS, for handing to workers: a compiled module crosses to a
 * thread without being compiled again.
 *
 * The file belongs to a package that `quickjs-emscripten` brings along, so it
 * is looked up from there.
 */
export async function compileQuickJs(): Promise<WebAssembly.Module> {
  const here = createRequire(import.meta.url);
  const library = createRequire(here.resolve('quickjs-emscripten'));
  const file = library.resolve('@jitl/quickjs-wasmfile-release-sync/wasm');
  return WebAssembly.compile(await readFile(file));
}
