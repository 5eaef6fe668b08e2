import type { Command } from 'commander';
import type { NewDocument } from '../../base/document.js';
import type { Jdbx } from '../../jdbx.js';
import { examples } from '../examples.js';
import type { Invocation } from '../invocation.js';

export function addPrices(program: Command, invocation: Invocation): void {
  program
    .command('prices')
    .description('import what models cost, from the package @pydantic/genai-prices')
    .argument('[provider...]', 'openai, anthropic, google, aws, mistral, … Default: those')
    .addHelpText(
      'after',
      examples(
        ['jdbx prices', 'the usual providers'],
        ['jdbx prices anthropic', 'one of them; others are listed in the package'],
        [`jdbx query '{"_type": "price", "provider": "anthropic"}'`, 'what is known'],
      ),
    )
    .action(async (providers: readonly string[]) => {
      const { readGenaiPrices } = await import('../../llm/prices/genai-prices.js');
      const drafts = await readGenaiPrices(providers.length > 0 ? providers : undefined);
      await invocation.withNewStore(async (db) => {
        const facts = await importPrices(db, drafts as unknown as readonly NewDocument[]);
        await invocation.output.value(facts, () => show(facts));
      });
    });
}

interface Facts {
  readonly written: number;
  readonly unchanged: number;
  readonly imported_at: string;
}

/** Prices that are known as they are stay untouched, with the day on which they were imported. */
async function importPrices(db: Jdbx, drafts: readonly NewDocument[]): Promise<Facts> {
  const imported_at = new Date().toISOString();
  const known = await db.getMany(drafts.map(({ _id }) => _id as string));
  const changed = drafts.filter((draft, at) => {
    const prices = known[at]?.prices;
    return JSON.stringify(prices) !== JSON.stringify(draft.prices);
  });
  if (changed.length > 0) await db.put(changed.map((draft) => ({ ...draft, imported_at })));
  return { written: changed.length, unchanged: drafts.length - changed.length, imported_at };
}

function show({ written, unchanged }: Facts): string {
  return `${written} prices imported, ${unchanged} as they were`;
}
