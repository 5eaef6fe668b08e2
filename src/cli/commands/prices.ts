import { isDeepStrictEqual } from 'node:util';
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
      const { GENAI_PRICES, readGenaiPrices } = await import('../../llm/prices/genai-prices.js');
      const found = await readGenaiPrices(providers.length > 0 ? providers : undefined);
      await invocation.withNewStore(async (db) => {
        const drafts = found.documents as unknown as readonly NewDocument[];
        const facts = await importPrices(db, drafts, GENAI_PRICES);
        const told = { ...facts, left_out: found.leftOut };
        await invocation.output.value(told, () => show(told));
      });
    });
}

interface Facts {
  readonly written: number;
  readonly unchanged: number;
  /** Prices that somebody else wrote; they are left as they are. */
  readonly kept: readonly string[];
  readonly imported_at: string;
}

/** Prices that are known as they are stay untouched, with the day on which they were imported. */
async function importPrices(
  db: Jdbx,
  drafts: readonly NewDocument[],
  source: string,
): Promise<Facts> {
  const imported_at = new Date().toISOString();
  const known = new Map(
    (await db.getMany(drafts.map(({ _id }) => _id as string))).flatMap((document) =>
      document ? [[document._id, document]] : [],
    ),
  );
  const isOthers = ({ _id }: NewDocument) => {
    const before = known.get(_id as string);
    return before !== undefined && before.source !== source;
  };
  const ours = drafts.filter((draft) => !isOthers(draft));
  const changed = ours.filter((draft) => {
    const before = known.get(draft._id as string);
    return !isDeepStrictEqual([before?.prices, before?.match], [draft.prices, draft.match]);
  });
  if (changed.length > 0) await db.put(changed.map((draft) => ({ ...draft, imported_at })));
  const kept = drafts.filter(isOthers).map(({ _id }) => _id as string);
  return { written: changed.length, unchanged: ours.length - changed.length, kept, imported_at };
}

type Told = Facts & { readonly left_out: readonly string[] };

function show({ written, unchanged, kept, left_out }: Told): string {
  return [
    `${written} prices imported, ${unchanged} as they were`,
    ...(kept.length === 0 ? [] : [`${kept.length} of your own kept: ${kept.join(', ')}`]),
    ...(left_out.length === 0
      ? []
      : [`${left_out.length} left out, which cost nothing by tokens: ${left_out.join(', ')}`]),
  ].join('\n');
}
