import type { Command } from 'commander';
import type { Jdbx } from '../../jdbx.js';
import { examples } from '../examples.js';
import { showBytes } from '../figures.js';
import type { Invocation } from '../invocation.js';
import { renderTable } from '../table.js';

interface Count {
  readonly _id: string;
  readonly documents: number;
}

export function addStats(program: Command, invocation: Invocation): void {
  program
    .command('stats')
    .description('how much the store holds')
    .addHelpText('after', examples(['jdbx stats', 'documents by type, runs by status, size']))
    .action(() =>
      invocation.withStore(async (db) => {
        const stats = await statsOf(db);
        await invocation.output.value(stats, () => showStats(stats, invocation.output.width));
      }),
    );
}

async function statsOf(db: Jdbx) {
  const types = await countBy(db, [], '$_type');
  const runs = await countBy(db, [{ $match: { _type: 'run' } }], '$status');
  return {
    seq: db.seq,
    size_bytes: db.sizeBytes,
    indexes: {
      engine: db.indexes.engine,
      reason: db.indexes.reason ?? null,
      saved_seq: db.indexes.savedSeq ?? null,
    },
    documents: types.reduce((sum, { documents }) => sum + documents, 0),
    types: toObject(types),
    runs: toObject(runs),
  };
}

function countBy(db: Jdbx, first: readonly object[], key: string): Promise<Count[]> {
  const group = { $group: { _id: key, documents: { $sum: 1 } } };
  return db.aggregate<Count>([...(first as []), group, { $sort: { documents: -1, _id: 1 } }]);
}

function toObject(counts: readonly Count[]): Record<string, number> {
  return Object.fromEntries(counts.map(({ _id, documents }) => [_id, documents]));
}

function showStats(stats: Awaited<ReturnType<typeof statsOf>>, width: number): string {
  const { documents, size_bytes, seq, types, runs, indexes } = stats;
  const table = (title: string, counts: Record<string, number>) =>
    renderTable(
      Object.entries(counts),
      [
        { title, cell: ([name]) => name },
        { title: 'documents', cell: ([, count]) => String(count), right: true },
      ],
      width,
    );
  const head = `${documents} documents in ${showBytes(size_bytes)}, after ${seq} commits`;
  const parts = [`${head}\n${showIndexes(indexes)}`, table('type', types)];
  if (Object.keys(runs).length > 0) parts.push(table('runs', runs));
  return parts.map((part) => part.trimEnd()).join('\n\n');
}

function showIndexes({
  engine,
  reason,
  saved_seq,
}: Awaited<ReturnType<typeof statsOf>>['indexes']): string {
  if (reason !== null) return `${engine} indexes: ${reason}`;
  return saved_seq ? `${engine} indexes, saved up to commit ${saved_seq}` : `${engine} indexes`;
}
