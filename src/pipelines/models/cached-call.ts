import type { ValueObject } from '../../base/values.js';
import { eventsOf } from '../../llm/answer-builder.js';
import type { ModelRequest, ModelResponse } from '../../llm/contract.js';
import type { Kept, Slot } from '../../llm/responses/responses.js';
import type { StageWork } from '../contract.js';
import type { ModelCall } from './model-call.js';
import { slotFor } from './response-slot.js';
import { findSimilar, isGiven, learnFrom, likeness, type Similar } from './similar-call.js';
import { readOutput } from './structured-output.js';

/**
 * The answer that is kept for a call, or the one that `makeFor` gives, which is then kept. A
 * kept one is on record like any call, with what it saved.
 */
export function orKept(
  work: StageWork,
  call: ModelCall,
  makeFor: (slot: Slot | undefined) => Promise<Kept>,
): Promise<ValueObject> {
  const { integration, request, slot = slotFor(work, integration, request) } = call;
  if (!slot) return makeFor(slot).then(responseOf);
  const make = () => makeFor(slot);
  const startedAt = work.run.now();
  const finding = work.run.responses.find(slot, startedAt);
  const looking = finding ? undefined : findSimilar(work, call, slot);
  if (finding || looking) return lookedFor(work, call, { slot, make, startedAt, finding, looking });
  return madeFor(work, call, slot, make).then(responseOf);
}

const responseOf = ({ response }: Kept): ValueObject => response;

/** What may be kept, or come of a call that is under way. */
interface Looking {
  readonly slot: Slot;
  readonly make: () => Promise<Kept>;
  readonly startedAt: number;
  readonly finding: Promise<Kept | undefined> | undefined;
  readonly looking: Promise<Similar | undefined> | undefined;
}

async function lookedFor(
  work: StageWork,
  call: ModelCall,
  { slot, make, startedAt, finding: found, looking }: Looking,
): Promise<ValueObject> {
  const find = () => work.run.responses.find(slot, startedAt);
  let finding = found;
  const similar = looking && (await looking);
  if (similar?.kept && isGiven(similar, slot.requestHash)) {
    const use = { slot: similar.slot, kept: similar.kept, startedAt };
    return used(work, call, { ...use, semantic: likeness(similar) });
  }
  // Looking for a similar one takes its time.
  if (looking) finding = find();
  for (; finding; finding = find()) {
    const kept = await untilStopped(finding, work.signal);
    if (kept) return used(work, call, { slot, kept, startedAt });
  }
  // Nothing may be awaited between the last look and this, or equal requests would be made twice.
  const made = await madeFor(work, call, slot, make);
  const isLearnt = similar && isSound(call.request)(made.response);
  if (isLearnt) await learnFrom(work, similar, made, slot.id);
  return made.response;
}

function madeFor(
  { run, leave }: StageWork,
  { request }: ModelCall,
  slot: Slot,
  make: () => Promise<Kept>,
): Promise<Kept> {
  return run.responses.make(slot, make, { isSound: isSound(request), leave });
}

/** Half an answer, or one that does not fit its schema, is not given again. */
function isSound({ response_schema: schema }: ModelRequest) {
  return ({ finish, text, tool_calls }: ValueObject): boolean => {
    if (finish === 'tool' || (Array.isArray(tool_calls) && tool_calls.length > 0)) return true;
    if (finish !== 'stop') return false;
    try {
      if (schema) readOutput(String(text), 'stop', schema);
      return true;
    } catch {
      return false;
    }
  };
}

interface Use {
  readonly slot: Slot;
  readonly kept: Kept;
  readonly startedAt: number;
  /** How like the question is that the answer was given to. Default: equal. */
  readonly semantic?: ValueObject | undefined;
}

function used(work: StageWork, call: ModelCall, use: Use): ValueObject {
  const { slot, kept, startedAt, semantic } = use;
  const { run, path } = work;
  const { integration, request, part, heard } = call;
  const { response, saves } = kept;
  if (heard) {
    for (const event of eventsOf(response as unknown as ModelResponse)) {
      heard.take(event, 1);
      if (work.stage.stream) run.tell(path, { integration: integration._id, attempt: 1, event });
    }
  }
  work.note({
    kind: 'llm-call',
    run: run.id,
    pipeline: run.pipelineId,
    path,
    ...(part === undefined ? {} : { part }),
    cached: true,
    ...(semantic === undefined ? {} : { semantic }),
    from: slot.id,
    integration: integration._id,
    integration_rev: integration._rev,
    model: String(response.model),
    request: request as unknown as ValueObject,
    request_hash: slot.requestHash,
    response,
    usage: {},
    saves: saves as ValueObject,
    started_at: new Date(startedAt).toISOString(),
    latency_ms: Math.max(0, run.now() - startedAt),
  });
  return response;
}

/** Another's call may take longer than this stage has time. */
function untilStopped<T>(waiting: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    waiting.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
