import type { Command } from 'commander';
import { pipelineSchema } from '../../pipelines/pipeline-schema.js';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';
import { UsageError } from '../usage-error.js';

export function addSchema(program: Command, invocation: Invocation): void {
  program
    .command('schema')
    .description('print the JSON Schema of a kind of document, for editors')
    .argument('<kind>', 'pipeline')
    .addHelpText(
      'after',
      examples(['jdbx schema pipeline > pipeline.schema.json', 'for a file’s "$schema"']),
    )
    .action(async (kind: string) => {
      if (kind !== 'pipeline') throw new UsageError(`expected pipeline, got ${kind}`);
      const schema = pipelineSchema();
      await invocation.output.value(schema, () => JSON.stringify(schema, undefined, 2));
    });
}
