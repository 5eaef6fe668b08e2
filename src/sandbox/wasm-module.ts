import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { meterModule } from './fuel/meter-module.js';
import { WasmFormatError } from './fuel/wasm-bytes.js';

/**
 * Compiles QuickJS, by default metered (`fuel/`), for handing to workers: a compiled module crosses
 * to a thread without being compiled again.
 *
 * The file belongs to a package that `quickjs-emscripten` brings along, so it
 * is looked up from there.
 */
export async function compileQuickJs({ metered = true } = {}): Promise<WebAssembly.Module> {
  const here = createRequire(import.meta.url);
  const library = createRequire(here.resolve('quickjs-emscripten'));
  const file = library.resolve('@jitl/quickjs-wasmfile-release-sync/wasm');
  const wasm = await readFile(file);
  return WebAssembly.compile(metered ? meteredIfKnown(wasm) : wasm);
}

/** An engine of another build runs without fuel: a deadline then ends its worker instead. */
function meteredIfKnown(wasm: Uint8Array): Uint8Array {
  try {
    return meterModule(wasm);
  } catch (error) {
    if (!(error instanceof WasmFormatError)) throw error;
    process.emitWarning(`the sandbox’s engine cannot be metered: ${error.message}`, {
      code: 'JDBX_ENGINE_UNMETERED',
    });
    return wasm;
  }
}
