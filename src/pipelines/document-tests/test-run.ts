import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { isPlainObject, type Value } from '../../base/values.js';
import type { Database } from '../../documents/database.js';
import type { Workspace } from '../../documents/workspace.js';
import type { ModelCaller } from '../../llm/call-model.js';
import type { ModelCallResult } from '../../llm/contract.js';
import { Responses } from '../../llm/responses/responses.js';
import { SemanticCache } from '../../llm/semantic/semantic-cache.js';
import type { Sandbox } from '../../sandbox/contract.js';
import { Attempt } from '../attempt.js';
import { Context } from '../context.js';
import type { RunServices, StageWork } from '../contract.js';
import { Definitions } from '../definitions.js';
import { PROGRAM_TYPE } from '../guests/code-fields.js';
import type { FindDocument, GuestCodes } from '../guests/guest-codes.js';
import { PROGRAM_STAGE } from '../programs/program-document.js';
import type { Programs } from '../programs/programs.js';
import { Spending } from '../spending.js';
import type { DocumentTest } from './read-tests.js';
import { TestStages } from './test-stages.js';

export interface TestDeps {
  readonly database: Database;
  readonly sandbox: Sandbox;
  readonly codes: GuestCodes;
  readonly programs: Programs;
}

/** The work of a stage that stands for one test: nothing of it is ever committed. */
export interface TestRun {
  readonly work: StageWork;
  close(): void;
}

/** `find` finds documents that are about to be written before those of the store. */
export function openTestRun(
  { database, sandbox, codes, programs }: TestDeps,
  document: Document,
  test: DocumentTest,
  find: FindDocument,
): TestRun {
  const workspace = database.workspace();
  for (const fixture of test.documents) workspace.put(fixture);
  const attempt = new Attempt(1, test.now, () => workspace);
  const open = () => {
    const snapshot = database.workspace();
    snapshot.adopt(workspace.writesAfter(0).writes);
    return snapshot;
  };
  const isProgram = document._type === PROGRAM_TYPE;
  const own = isProgram ? new TestStages({ test, workspace, open, run: () => run }) : NO_STAGES;
  const run: RunServices = {
    id: `test/${document._id}`,
    definitions: new Definitions(
      { definitions: {}, hashes: {} },
      {
        current: (id) => find(id) ?? workspace.get(id),
        revision: () => undefined,
        importsOf: (each) => codes.importsOf(each),
      },
    ),
    codes,
    sandbox,
    programs,
    startedAt: new Date(test.now).toISOString(),
    recorded: () => [],
    revisit: () => {},
    models: cannedModels(test.answers),
    pools: { acquire: refuse, stateOf: () => undefined },
    semantic: new SemanticCache({ get: () => undefined, entries: refuse, embedder: refuse }),
    responses: new Responses({
      get: () => undefined,
      oldest: async () => [],
      bytesOf: async () => 0,
      isAlone: () => true,
      seq: 0,
    }),
    pipelineId: document._id,
    budgets: [],
    priority: 0,
    tell: () => {},
    reserve: refuse,
    spending: new Spending(),
    session: undefined,
    depth: 0,
    deadlineAt: undefined,
    tokens: refuse,
    entered: () => false,
    document: (id) => workspace.get(id),
    idsAfter: refuse,
    now: () => test.now,
    workspace: open,
    typesOf: (type) => database.typesOf(type),
    announce: refuse,
    ...own,
  };
  const { startedAt, nextCall, nextCharge, note, charge, leave } = attempt;
  const work: StageWork = {
    stage: { name: test.name },
    path: isProgram ? PROGRAM_STAGE : test.name,
    input: test.input,
    context: contextOf(test, workspace),
    run,
    signal: new AbortController().signal,
    attempt: 1,
    startedAt,
    nextCall,
    nextCharge,
    workspace: attempt.workspace,
    note,
    charge,
    leave,
    seed: test.seed,
  };
  return { work, close: () => workspace.close() };
}

function contextOf({ input, session, now }: DocumentTest, workspace: Workspace): Context {
  const values = { input, ...(session === undefined ? {} : { session }) };
  return new Context(values, input, {
    document: (id) => workspace.get(id),
    session: () => undefined,
    history: () => [],
    now: () => now,
  });
}

/** Only programs have any. */
const NO_STAGES = {
  stages: refuse,
  recordedEnd: () => undefined,
  commitOf: () => 0,
  remembers: () => false,
  remember: refuse,
  wait: refuse,
  child: refuse,
};

function refuse(): never {
  throw new JdbxError('INVALID_PIPELINE', 'a test runs no stages');
}

/** Tests ask no model: they say what it answers. */
function cannedModels(answers: readonly Value[]): ModelCaller {
  let next = 0;
  return {
    priceOf: async () => undefined,
    async call(): Promise<ModelCallResult> {
      const answer = answers[next++];
      if (answer === undefined) {
        const text = `expected an answer for call ${next} of a model in the test's \`answers\``;
        throw new JdbxError('RECORDING_MISSING', text);
      }
      const said = isPlainObject(answer) ? answer : { text: String(answer) };
      const response = { text: '', model: 'test', finish: 'stop', usage: {}, ...said };
      return { response, attempts: [] } as unknown as ModelCallResult;
    },
  };
}
