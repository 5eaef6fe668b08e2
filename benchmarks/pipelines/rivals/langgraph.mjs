import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import { SqliteSaver } from '@langchain/langgraph-checkpoint-sqlite';
import { JdbxSaver } from '../../../dist/langgraph/index.js';
import { diskBytesOf } from '../disk.mjs';
import { newHistory } from '../works.mjs';
import { databaseBytes } from './postgres-bytes.mjs';

export async function openSqlite({ directory }) {
  const checkpointer = SqliteSaver.fromConnString(join(directory, 'graph.sqlite'));
  return subjectOf(
    checkpointer,
    () => diskBytesOf(directory),
    () => checkpointer.db.close(),
  );
}

export async function openPostgres({ postgres }) {
  const checkpointer = PostgresSaver.fromConnString(postgres);
  await checkpointer.setup();
  return subjectOf(
    checkpointer,
    () => databaseBytes(postgres),
    () => checkpointer.end(),
  );
}

export async function openJdbx({ directory }) {
  mkdirSync(directory, { recursive: true });
  const checkpointer = await JdbxSaver.open(directory);
  return subjectOf(
    checkpointer,
    () => diskBytesOf(directory),
    () => checkpointer.close(),
  );
}

const State = Annotation.Root({
  at: Annotation(),
  left: Annotation(),
  starts: Annotation(),
  history: Annotation({ reducer: (all, more) => all.concat(more), default: () => [] }),
});

/** One node that goes round until no stages are left, each with its checkpoint on record. */
function subjectOf(checkpointer, diskBytes, close) {
  const runs = new Map();
  const node = (history) => (state, config) => {
    runs.get(config.configurable.thread_id).push(performance.now());
    const more = history ? { history: [newHistory(state.at)] } : {};
    return { at: state.at + 1, left: state.left - 1, ...more };
  };
  const graphOf = (history) =>
    new StateGraph(State)
      .addNode('stage', node(history))
      .addEdge(START, 'stage')
      .addConditionalEdges('stage', ({ left }) => (left > 0 ? 'stage' : END))
      .compile({ checkpointer });
  const graphs = { true: graphOf(true), false: graphOf(false) };
  return {
    async run({ stages, history }) {
      const thread_id = `thread-${runs.size}`;
      runs.set(thread_id, []);
      await graphs[history].invoke(
        { at: 0, left: stages },
        { configurable: { thread_id }, recursionLimit: stages + 10, durability: 'sync' },
      );
      return runs.get(thread_id);
    },
    diskBytes,
    close,
  };
}
