/// <reference path="../../src/sandbox/web-assembly.d.ts" />
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import type { EngineHost } from '#jdbx/sandbox/engine.js';
import { FuelSpent } from '#jdbx/sandbox/fuel/meter.js';
import { METER, meterModule } from '#jdbx/sandbox/fuel/meter-module.js';
import { WasmFormatError } from '#jdbx/sandbox/fuel/wasm-bytes.js';
import { EVAL, GuestContext } from '#jdbx/sandbox/guest-context.js';
import { Instance, NOBODY } from '#jdbx/sandbox/instance.js';
import { measureLayout } from '#jdbx/sandbox/memory-layout.js';
import { bootRealm } from '#jdbx/sandbox/realm-boot.js';
import { compileQuickJs } from '#jdbx/sandbox/wasm-module.js';

/** The parts of a module that the tests are built of. */
const text = (name: string) => [name.length, ...Buffer.from(name)];
const section = (id: number, ...bytes: number[]) => [id, bytes.length, ...bytes];
const HEAD = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/** `() => void` and `(i32) => void`. */
const TYPES = section(1, 2, 0x60, 0, 0, 0x60, 1, 0x7f, 0);
const MEMORY = section(5, 1, 0, 2);
const GLOBAL = section(6, 1, 0x7f, 1, 0x41, 0x80, 0x08, 0x0b);

/** One function of the second type, exported as `run`, with this body. */
function moduleOf(body: number[], { types = TYPES, global = GLOBAL, locals = [0] } = {}) {
  const code = [...locals, ...body, 0x0b];
  return Uint8Array.from([
    ...HEAD,
    ...types,
    ...section(2, 1, ...text('m'), ...text('f'), 0, 0),
    ...section(3, 1, 1),
    ...MEMORY,
    ...global,
    ...section(7, 1, ...text('run'), 0, 1),
    ...section(10, 1, code.length, ...code),
  ]);
}

interface Ran {
  /** How much fuel a run took, and how often the module's own import was called. */
  readonly fuel: number;
  readonly imported: number;
  readonly refuelled: number;
  readonly stackLow: number;
}

async function run(wasm: Uint8Array, argument: number, fuel = 1_000_000): Promise<Ran> {
  let imported = 0;
  let refuelled = 0;
  const imports = {
    m: { f: () => void imported++ },
    [METER.module]: {
      [METER.refuel]: () => {
        refuelled++;
        cell().value = 1_000_000;
      },
    },
  };
  const instance = new WebAssembly.Instance(await WebAssembly.compile(meterModule(wasm)), imports);
  const cells = instance.exports as Record<string, { value: number }>;
  const cell = () => cells[METER.fuel] as { value: number };
  cell().value = fuel;
  (instance.exports.run as (n: number) => void)(argument);
  const stackLow = (cells[METER.stackLow] as { value: number }).value;
  return { fuel: fuel - cell().value, imported, refuelled, stackLow };
}

/** `do { f() } while (--n)`, with the branch back taken when the condition holds. */
const COUNTDOWN = [0x03, 0x40, 0x10, 0, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b];

describe('a metered module', () => {
  test('is charged for each turn of a loop but the first, and does the same', async () => {
    expect(await run(moduleOf(COUNTDOWN), 10)).toMatchObject({ fuel: 9, imported: 10 });
    expect(await run(moduleOf(COUNTDOWN), 1)).toMatchObject({ fuel: 0, imported: 1 });
  });

  test('is charged where the way back has no condition, and in tables of branches', async () => {
    // for (;;) { f(); if (!--n) break }
    const always = [
      0x02, 0x40, 0x03, 0x40, 0x10, 0, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x45, 0x0d, 1, 0x0c, 0,
      0x0b, 0x0b,
    ];
    expect(await run(moduleOf(always), 10)).toMatchObject({ fuel: 9, imported: 10 });
    // switch (--n) { case 0: break; default: continue }
    const table = [
      0x02, 0x40, 0x03, 0x40, 0x10, 0, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0e, 1, 1, 0, 0x0b, 0x0b,
    ];
    expect(await run(moduleOf(table), 10)).toMatchObject({ fuel: 10, imported: 10 });
  });

  test('is charged for memory by its size', async () => {
    // memory.fill(0, 0, n)
    const fill = [0x41, 0, 0x41, 0, 0x20, 0, 0xfc, 11, 0];
    expect(await run(moduleOf(fill), 65_536)).toMatchObject({ fuel: 1_024 });
    const copy = [0x41, 0, 0x41, 0, 0x20, 0, 0xfc, 10, 0, 0];
    expect(await run(moduleOf(copy), 65_536)).toMatchObject({ fuel: 1_024 });
  });

  test('asks for more when it has none, and goes on', async () => {
    expect(await run(moduleOf(COUNTDOWN), 500, 3)).toMatchObject({ imported: 500, refuelled: 1 });
  });

  test('remembers the lowest place of its stack', async () => {
    // stack = n; stack = 1024
    const body = [0x20, 0, 0x24, 0, 0x41, 0x80, 0x08, 0x24, 0];
    expect(await run(moduleOf(body), 512)).toMatchObject({ stackLow: 512 });
  });

  test.each([
    ['no stack pointer', moduleOf([], { global: section(6, 0) })],
    ['a loop that takes values', moduleOf([0x41, 0, 0x03, 1, 0x1a, 0x0b])],
    ['an instruction of later', moduleOf([0xfd, 0])],
    ['a type of later', moduleOf([], { types: section(1, 1, 0x5f, 0) })],
    ['an end in the middle', moduleOf(COUNTDOWN).subarray(0, 60)],
  ])('is not made of one with %s', (_, wasm) => {
    expect(() => meterModule(wasm)).toThrow(WasmFormatError);
  });

  test('is what the engine’s binary gives, with nothing but the meter added', async () => {
    const library = createRequire(createRequire(import.meta.url).resolve('quickjs-emscripten'));
    const path = library.resolve('@jitl/quickjs-wasmfile-release-sync/wasm');
    const wasm = readFileSync(path);
    const before = new WebAssembly.Module(wasm);
    const after = new WebAssembly.Module(meterModule(wasm));
    const added = WebAssembly.Module.exports(after).slice(
      WebAssembly.Module.exports(before).length,
    );
    expect(added.map(({ name }) => name)).toEqual([METER.fuel, METER.stack, METER.stackLow]);
    expect(WebAssembly.Module.imports(after).at(-1)).toMatchObject({ name: METER.refuel });
  });
});

describe('the metered engine', () => {
  test('stops where it does not poll, and is as good as new when restored', async () => {
    const wasm = await compileQuickJs();
    const layout = await measureLayout(wasm);
    const instance = await Instance.create({ wasm, layout }, 0);
    const { image, addresses } = bootRealm(instance);
    const guest = new GuestContext(instance, addresses.runtime, addresses.context);
    let questions = 0;
    const host: EngineHost = { ...NOBODY, shouldInterrupt: () => ++questions > 20 };
    for (let round = 0; round < 5; round++) {
      questions = 0;
      instance.enter(host);
      const deaf = 'const a = []; a.length = 4e9; a.sort()';
      expect(() => guest.evaluate(deaf, 'deaf', EVAL.script)).toThrow(FuelSpent);
      instance.restore(image);
      instance.enter(NOBODY);
      const sum = guest.evaluate('[3, 1, 2].sort().join() + Array(99).fill(1).length', 'n', 0);
      expect('value' in sum && guest.text(sum.value)).toBe('1,2,399');
      instance.restore(image);
    }
  });
});
