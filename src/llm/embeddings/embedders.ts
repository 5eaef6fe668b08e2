import type { Document, NewDocument } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import type { Integration } from '../contract.js';
import { resolveSecret, type SecretSources } from '../credentials.js';
import { readIntegration } from '../integration.js';
import type { Transport } from '../transport/transport.js';
import type { Embedder } from './embedder.js';
import { openaiEmbedder } from './openai-embedder.js';

export interface EmbeddersDeps {
  readonly transport: Transport;
  readonly get: (id: string) => Document | undefined;
  readonly secrets: SecretSources;
  /** Those of the program's own. */
  readonly own?: readonly Embedder[] | undefined;
}

const PROVIDERS = new Set(['openai']);

/**
 * Checks an `embedder` document before it is written: an integration of `provider` `openai` (any
 * compatible server) with `dims`.
 *
 * @throws {JdbxError} INVALID_DOCUMENT with the path of the field; INVALID_INTEGRATION
 */
export function checkEmbedder(document: NewDocument): void {
  const { dims, model } = document;
  if (!Number.isInteger(dims) || (dims as number) < 1) {
    throw new JdbxError('INVALID_DOCUMENT', 'expected how many numbers a vector has', {
      path: 'dims',
    });
  }
  if (typeof model !== 'string') {
    throw new JdbxError('INVALID_DOCUMENT', 'expected the name of a model', { path: 'model' });
  }
  readIntegration({ _id: 'embedder:', ...document, _type: 'integration' }, PROVIDERS);
}

/** Finds embedders by their ids: the program's own, and those that documents describe. */
export class Embedders {
  readonly #deps: EmbeddersDeps;

  constructor(deps: EmbeddersDeps) {
    this.#deps = deps;
  }

  /** @throws {JdbxError} MISSING_DOCUMENT, CREDENTIAL_MISSING, INVALID_INTEGRATION */
  find(id: string): Embedder {
    const { own = [], get } = this.#deps;
    const found = own.find((each) => each.id === id);
    if (found) return found;
    const document = get(id);
    if (document?._type === 'embedder') return this.#fromDocument(document);
    throw new JdbxError('MISSING_DOCUMENT', `expected the embedder ${id}`, { details: { id } });
  }

  #fromDocument(document: Document): Embedder {
    const { transport, get, secrets } = this.#deps;
    const integration = readIntegration({ ...document, _type: 'integration' }, PROVIDERS);
    const { credentials_ref: ref } = integration;
    const secret = ref === undefined ? undefined : resolveSecret(get(ref), ref, secrets);
    const dims = document.dims as number;
    return openaiEmbedder({ transport, integration: integration as Integration, dims, secret });
  }
}
