import type { Provider } from './contract.js';
import { anthropicMessages } from './providers/anthropic/messages.js';
import { bedrock } from './providers/bedrock/bedrock.js';
import { createCustom, type Transform } from './providers/custom/custom.js';
import { createExtractive } from './providers/extractive.js';
import { gemini } from './providers/gemini/gemini.js';
import { createHttpProvider } from './providers/http-provider.js';
import { mistral } from './providers/mistral/mistral.js';
import { openaiChat } from './providers/openai/chat.js';
import { openaiResponses } from './providers/openai/responses.js';
import { createRecorded, type RecordedOptions } from './providers/recorded.js';
import type { Transport } from './transport/transport.js';

/** The registry of providers by name. A value: nothing fills it by being imported. */
export type Providers = ReadonlyMap<string, Provider>;

/** The HTTP APIs that the package knows. */
const MAPPINGS = [openaiChat, openaiResponses, anthropicMessages, gemini, mistral, bedrock];

export interface ProvidersOptions extends RecordedOptions {
  readonly transport: Transport;
  /** Runs the transformers of `custom` integrations; without it there are none. */
  readonly transform?: Transform | undefined;
  /** A program's own; one of a name that is known here stands in its place. */
  readonly own?: readonly Provider[] | undefined;
}

/** Makes the providers that the package ships; they share one transport, which its owner closes. */
export function createProviders(options: ProvidersOptions): Providers {
  const { transport, transform, own = [] } = options;
  const providers = [
    ...MAPPINGS.map((mapping) => createHttpProvider(mapping, transport)),
    ...(transform ? [createCustom(transport, transform)] : []),
    createRecorded(options),
    createExtractive(),
    ...own,
  ];
  return new Map(providers.map((provider) => [provider.name, provider]));
}
