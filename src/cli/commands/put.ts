import type { Command } from 'commander';
import type { NewDocument } from '../../base/document.js';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';
import { readArgument, readJson } from '../read-text.js';
import { writtenColumns } from '../written-columns.js';

export function addPut(program: Command, invocation: Invocation): void {
  program
    .command('put')
    .description('store a document, or an array of them in one commit; makes the store if need be')
    .argument('[document]', 'JSON, @file or -', '-')
    .addHelpText(
      'after',
      examples(
        [`jdbx put '{"_id": "note:1", "_type": "note", "text": "hello"}'`, 'one document'],
        ['jdbx put @pipeline.json', 'from a file'],
        ['jdbx get note:1 | jq \'.text = "hi"\' | jdbx put', 'refused if it changed meanwhile'],
      ),
    )
    .action(async (argument: string) => {
      const value = readJson(await readArgument(argument), 'the document');
      const documents = (Array.isArray(value) ? value : [value]) as NewDocument[];
      await invocation.withNewStore(async (db) => {
        const written = await db.put(documents);
        const facts = written.map(({ _id, _type, _rev }) => ({ _id, _type, _rev }));
        await invocation.output.list(facts, () => writtenColumns);
      });
    });
}
