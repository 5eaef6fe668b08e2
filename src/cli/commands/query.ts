import type { Command } from 'commander';
import type { Document } from '../../base/document.js';
import type { Jdbx } from '../../jdbx.js';
import { documentColumns } from '../document-columns.js';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';
import { readArgument, readCount, readObject } from '../read-text.js';

interface QueryOptions {
  readonly sort?: string;
  readonly limit?: number;
  readonly skip?: number;
  readonly project?: string;
  readonly count?: boolean;
  readonly explain?: boolean;
}

export function addQuery(program: Command, invocation: Invocation): void {
  program
    .command('query')
    .description("find documents with a filter of MongoDB's language")
    .argument('[filter]', 'JSON, @file or -', '{}')
    .option('--sort <json>', `such as '{"created_at": -1}'`)
    .option('--limit <n>', 'how many at most', readCount)
    .option('--skip <n>', 'leave out so many at the start', readCount)
    .option('--project <json>', `fields to show, such as '{"name": 1}'`)
    .option('--count', 'only how many there are')
    .option('--explain', 'how the query was answered: indexes, bounds, keys, time')
    .addHelpText(
      'after',
      examples(
        [`jdbx query '{"_type": "pattern", "score": {"$gt": 0.8}}'`, 'by a field'],
        [`jdbx query '{"_type": "run"}' --sort '{"started_at": -1}' --limit 5`, 'the newest five'],
        [`jdbx query '{"at": {"$gte": {"$date": "2026-01-31T00:00:00Z"}}}' --count`, 'a date'],
      ),
    )
    .action((filter: string, options: QueryOptions) =>
      invocation.withStore((db) => find(db, invocation, filter, options)),
    );
}

async function find(db: Jdbx, { output }: Invocation, filter: string, options: QueryOptions) {
  const { sort, limit, skip, project, count, explain } = options;
  let cursor = db.query<Document>(readObject(await readArgument(filter), 'FILTER'));
  if (sort !== undefined) cursor = cursor.sort(readObject(sort, '--sort') as { _id: 1 });
  if (skip !== undefined) cursor = cursor.skip(skip);
  if (limit !== undefined) cursor = cursor.limit(limit);
  if (count) return output.value(await cursor.count());
  if (explain) return output.value(await cursor.explain());
  if (project !== undefined) cursor = cursor.project(readObject(project, '--project'));
  await output.list(cursor, documentColumns);
}
