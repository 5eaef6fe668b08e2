import { evaluateBare, findSwitch } from './bare-code.js';
import type { Pointer } from './engine.js';
import { PRELUDE_START, PRELUDE_TEXTS } from './guest/prelude.js';
import { GuestContext } from './guest-context.js';
import type { HeapShape } from './heap-reader.js';
import { measureHeap } from './heap-shape.js';
import { type Instance, NOBODY } from './instance.js';
import type { MemoryImage } from './memory-image.js';
import type { MemoryLayout } from './memory-layout.js';

/** Where a realm lies in memory: with an image, all there is to bring it back. */
export interface RealmAddresses {
  readonly runtime: Pointer;
  readonly context: Pointer;
  /** The functions of the prelude that the host calls, see `guest/prelude.ts`. */
  readonly driver: Readonly<Record<DriverName, Pointer>>;
  /** How its values are read from memory; undefined when they cannot be. */
  readonly heap: HeapShape | undefined;
  /** For `evaluateBare`. */
  readonly switchAt: Pointer | undefined;
  /** The guest's entry, once its code is loaded. */
  readonly entry?: Pointer;
}

export interface PreparedRealm {
  readonly image: MemoryImage;
  readonly addresses: RealmAddresses;
}

/** A realm with only the prelude in it, made before any guest ran. */
export interface RealmBase {
  readonly layout: MemoryLayout;
  readonly realm: PreparedRealm;
}

const DRIVER_NAMES = [
  'equip',
  'settle',
  'fail',
  'outcome',
  'forgetSeed',
  'describe',
  'encodeArguments',
  'failureOf',
] as const;
export type DriverName = (typeof DRIVER_NAMES)[number];

/** The numbers under which the prelude knows the functions of its host, in this order. */
export const HOST_FUNCTION = {
  member: 1,
  print: 2,
  deliver: 3,
  seedPart: 4,
  loadApi: 5,
  digest: 6,
  /** From here on, those that the guest calls. */
  firstMember: 100,
} as const;
const { firstMember: _, ...OF_PRELUDE } = HOST_FUNCTION;

/** Enough for the prelude; each call sets its own. */
const BOOT_STACK_BYTES = 256 * 2 ** 10;

/** Makes a realm with the prelude in it and nothing of any call: no seed, no names, no limits. */
export function bootRealm(instance: Instance): PreparedRealm {
  const { calls } = instance;
  instance.enter(NOBODY);
  const runtime = calls.QTS_NewRuntime();
  calls.QTS_RuntimeEnableInterruptHandler(runtime);
  calls.QTS_RuntimeEnableModuleLoader(runtime, 0);
  calls.QTS_RuntimeSetMaxStackSize(runtime, BOOT_STACK_BYTES);
  const guest = new GuestContext(instance, runtime, calls.QTS_NewContext(runtime, 0));
  const switchAt = findSwitch(guest);
  const driver = bootDriver(guest, switchAt);
  // Before measuring, which leaves its traces.
  const image = instance.capture();
  const heap = measureHeap(guest);
  const addresses = { runtime, context: guest.context, driver, heap, switchAt };
  return { image, addresses };
}

function bootDriver(
  guest: GuestContext,
  switchAt: Pointer | undefined,
): Record<DriverName, Pointer> {
  const evaluated = (text: string) => {
    const result = evaluateBare(guest, text, switchAt);
    if ('thrown' in result) throw new Error('the prelude cannot be evaluated');
    return result.value;
  };
  const values = PRELUDE_TEXTS.map(evaluated);
  const functions = Object.entries(OF_PRELUDE).map(([name, id]) => guest.fn(name, 2, id));
  const driver = guest.call(evaluated(PRELUDE_START), [...values, ...functions]);
  if ('thrown' in driver) throw new Error('the prelude cannot be run');
  const entries = DRIVER_NAMES.map((name) => [name, guest.property(driver.value, name)]);
  return Object.fromEntries(entries) as Record<DriverName, Pointer>;
}
