import { type MeterIndices, meterFunction } from './meter-function.js';
import { WasmFormatError, WasmReader, WasmWriter } from './wasm-bytes.js';
import { OP, TYPE } from './wasm-instructions.js';

/** What a metered module imports and exports besides. */
export const METER = {
  module: 'jdbx',
  /** `() => void`, called when the fuel is below zero; it sets it again, or throws. */
  refuel: 'refuel',
  fuel: 'jdbxFuel',
  stack: 'jdbxStack',
  stackLow: 'jdbxStackLow',
} as const;

const SECTION = {
  type: 1,
  import: 2,
  function: 3,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
} as const;
const KIND = { function: 0, table: 1, memory: 2, global: 3 } as const;
const FUNCTION_TYPE = 0x60;
const HEADER_BYTES = 8;

/** What later sections need of earlier ones. */
interface Facts {
  /** How many parameters each type has, and which type each function of the module's own. */
  parameters: number[];
  types: number[];
  importedFunctions: number;
  globals: number;
}

/**
 * A copy of an Emscripten module in which work costs fuel: every turn of a
 * loop, and every block of memory that is copied or cleared. It also remembers
 * how deep its stack has been. What has no fuel calls the host, which gives more
 * or throws: so there is no place in the engine where it could stay for good.
 * Only the interpreter's own loop is free of charge, since it polls by itself and
 * what it does is done in other loops.
 *
 * @throws {WasmFormatError} when the module has something that is not known here
 */
export function meterModule(wasm: Uint8Array): Uint8Array {
  const facts: Facts = {
    parameters: [],
    types: [],
    importedFunctions: 0,
    globals: 0,
  };
  const out = new WasmWriter(wasm.length * 2).put(wasm.subarray(0, HEADER_BYTES));
  const reader = new WasmReader(wasm, HEADER_BYTES);
  while (!reader.isAtEnd) {
    const id = reader.byte();
    const size = reader.number();
    const section = new WasmReader(wasm, reader.at, reader.at + size);
    reader.skip(size);
    // Custom sections (0) name functions by number, and are of no use here.
    if (id !== 0) out.byte(id).sized(rewrite(id, section, facts));
  }
  return out.done();
}

function rewrite(id: number, section: WasmReader, facts: Facts): Uint8Array {
  switch (id) {
    case SECTION.type:
      return rewriteTypes(section, facts);
    case SECTION.import:
      return rewriteImports(section, facts);
    case SECTION.function:
      return readFunctions(section, facts);
    case SECTION.global:
      return rewriteGlobals(section, facts);
    case SECTION.export:
      return rewriteExports(section, indicesOf(facts));
    case SECTION.start:
      return new WasmWriter().number(moved(section.number(), facts)).done();
    case SECTION.element:
      return rewriteElements(section, facts);
    case SECTION.code:
      return rewriteCode(section, facts);
    default:
      return section.rest();
  }
}

function indicesOf({ importedFunctions, globals }: Facts): MeterIndices {
  return { refuel: importedFunctions, fuel: globals, stackLow: globals + 1, stack: 0 };
}

/** The number that a function has behind the added import. */
function moved(index: number, { importedFunctions }: Facts): number {
  return index < importedFunctions ? index : index + 1;
}

function rewriteTypes(section: WasmReader, facts: Facts): Uint8Array {
  const count = section.number();
  const start = section.at;
  for (let type = 0; type < count; type++) {
    if (section.byte() !== FUNCTION_TYPE) throw new WasmFormatError('an unknown kind of type');
    const parameters = section.number();
    facts.parameters.push(parameters);
    section.skip(parameters);
    section.skip(section.number());
  }
  const out = new WasmWriter(section.end).number(count + 1).put(section.since(start));
  return out.put([FUNCTION_TYPE, 0, 0]).done();
}

function rewriteImports(section: WasmReader, facts: Facts): Uint8Array {
  const count = section.number();
  const start = section.at;
  for (let rest = count; rest > 0; rest--) readImport(section, facts);
  const out = new WasmWriter(section.end).number(count + 1).put(section.since(start));
  out.text(METER.module).text(METER.refuel).byte(KIND.function);
  return out.number(facts.parameters.length).done();
}

function readImport(section: WasmReader, facts: Facts): void {
  section.skip(section.number());
  section.skip(section.number());
  const kind = section.byte();
  if (kind === KIND.function) {
    facts.importedFunctions++;
    section.number();
  } else if (kind === KIND.memory) {
    const hasMaximum = section.byte() & 1;
    section.number();
    if (hasMaximum) section.number();
  } else throw new WasmFormatError('an import that is no function and no memory');
}

function readFunctions(section: WasmReader, facts: Facts): Uint8Array {
  const { at } = section;
  for (let rest = section.number(); rest > 0; rest--) facts.types.push(section.number());
  return section.bytes.subarray(at, section.end);
}

/** Emscripten's first and only global is its stack pointer. */
function rewriteGlobals(section: WasmReader, facts: Facts): Uint8Array {
  facts.globals = section.number();
  const start = section.at;
  const head = [section.byte(), section.byte(), section.byte()];
  if (facts.globals !== 1 || head.join() !== [TYPE.i32, 1, OP.i32Const].join()) {
    throw new WasmFormatError('the stack pointer cannot be found');
  }
  const globals = section.bytes.subarray(start, section.end);
  const out = new WasmWriter().number(facts.globals + 2).put(globals);
  out.put([TYPE.i32, 1, OP.i32Const, 0, OP.end]);
  // As deep as an unsigned number can say it has not been: -1.
  return out.put([TYPE.i32, 1, OP.i32Const, 0x7f, OP.end]).done();
}

function rewriteExports(section: WasmReader, indices: MeterIndices): Uint8Array {
  const count = section.number();
  const out = new WasmWriter(section.end * 2).number(count + 3);
  for (let rest = count; rest > 0; rest--) {
    const start = section.at;
    section.skip(section.number());
    out.put(section.since(start));
    const kind = section.byte();
    const index = section.number();
    out.byte(kind).number(kind === KIND.function && index >= indices.refuel ? index + 1 : index);
  }
  out.text(METER.fuel).byte(KIND.global).number(indices.fuel);
  out.text(METER.stack).byte(KIND.global).number(indices.stack);
  return out.text(METER.stackLow).byte(KIND.global).number(indices.stackLow).done();
}

/** Only tables of functions that are filled at the start are known here. */
function rewriteElements(section: WasmReader, facts: Facts): Uint8Array {
  const out = new WasmWriter(section.end - section.at);
  const segments = section.number();
  out.number(segments);
  for (let segment = 0; segment < segments; segment++) {
    const start = section.at;
    if (section.number() !== 0 || section.byte() !== OP.i32Const) {
      throw new WasmFormatError('an unknown kind of table');
    }
    section.skipNumber();
    if (section.byte() !== OP.end) throw new WasmFormatError('an unknown start of a table');
    out.put(section.since(start));
    const count = section.number();
    out.number(count);
    for (let rest = count; rest > 0; rest--) out.number(moved(section.number(), facts));
  }
  return out.done();
}

function rewriteCode(section: WasmReader, facts: Facts): Uint8Array {
  const count = section.number();
  const out = new WasmWriter((section.end - section.at) * 2).number(count);
  const indices = indicesOf(facts);
  for (let index = 0; index < count; index++) {
    const size = section.number();
    const body = new WasmReader(section.bytes, section.at, section.at + size);
    section.skip(size);
    out.sized(
      meterFunction(body, facts.parameters[facts.types[index] as number] as number, indices),
    );
  }
  return out.done();
}
