import type { Command } from 'commander';
import type { NewDocument } from '../../base/document.js';
import { seal } from '../../llm/sealing.js';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';
import { readArgument } from '../read-text.js';
import { readSealKey, SEAL_KEY_ENV } from '../seal-key.js';
import { UsageError } from '../usage-error.js';
import { writtenColumns } from '../written-columns.js';

export function addSeal(program: Command, invocation: Invocation): void {
  program
    .command('seal')
    .description(
      `store a secret that only the key in ${SEAL_KEY_ENV} opens; reads it from the standard input`,
    )
    .argument('<id>', 'the _id of the credential document')
    .option('--print', 'print the document instead of storing it')
    .addHelpText(
      'after',
      examples(
        [`export ${SEAL_KEY_ENV}=$(openssl rand -base64 32)`, 'a key; keep it elsewhere'],
        ['jdbx seal cred:openai < key.txt', 'a secret that stays out of the shell history'],
      ),
    )
    .action(async (id: string, { print }: { print?: boolean }) => {
      const document = await sealed(id);
      if (print) return invocation.output.value(document);
      await invocation.withNewStore(async (db) => {
        const { _id, _type, _rev } = await db.put(document);
        await invocation.output.list([{ _id, _type, _rev }], () => writtenColumns);
      });
    });
}

async function sealed(id: string): Promise<NewDocument> {
  const key = readSealKey();
  if (!key) throw new UsageError(`expected a key of 32 bytes in ${SEAL_KEY_ENV}`);
  const secret = (await readArgument('-')).trim();
  if (secret === '') throw new UsageError('expected a secret on the standard input, got nothing');
  return { _id: id, _type: 'credential', sealed: { ...seal(secret, id, key) } };
}
