import type { Provider } from './contract.js';
import { createAnthropic } from './providers/anthropic.js';
import { createExtractive } from './providers/extractive.js';
import { createOpenAI } from './providers/openai.js';
import { createRecorded, type RecordedOptions } from './providers/recorded.js';
import { createTransport, type TransportOptions } from './transport.js';

/** The registry of providers by name. A value: nothing fills it by being imported. */
export type Providers = ReadonlyMap<string, Provider>;

/** Makes the providers that the package ships; they share one transport. */
export function createProviders(options: TransportOptions & RecordedOptions): Providers {
  const transport = createTransport(options);
  const providers = [
    createOpenAI(transport),
    createAnthropic(transport),
    createRecorded(options),
    createExtractive(),
  ];
  return new Map(providers.map((provider) => [provider.name, provider]));
}
