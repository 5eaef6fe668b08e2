import type { Document } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { type Abilities, canTake } from '../../llm/pools/abilities.js';
import type { StageWork } from '../contract.js';
import { buildRequest, type Said } from './build-request.js';
import { needOf } from './call-need.js';
import { chooseIntegrations } from './choose-integration.js';
import { poolTargets } from './pool-targets.js';
import type { Targets } from './target.js';

/**
 * Where a stage's call may go: to the integration that it names, to what an orchestrator
 * chooses, or to the resources of a pool, as they come free.
 *
 * @param said what goes to the model, to know what it takes
 * @throws {JdbxError} INVALID_INTEGRATION, MISSING_DOCUMENT, POOL_FULL, and what a strategy throws
 */
export function targetsFor(work: StageWork, said: Said): Targets | Promise<Targets> {
  const named = work.run.definitions.get(work.stage.integration as string);
  if (named._type === 'resource_pool') return poolTargets(work, named, said);
  const isOne = named._type !== 'llm_orchestrator' && !isLimited(named);
  return isOne ? inTurn([named]) : chosenTargets(work, said);
}

async function chosenTargets(work: StageWork, said: Said): Promise<Targets> {
  return inTurn(await thoseThatCan(work, await chooseIntegrations(work), said));
}

function inTurn(integrations: readonly Document[]): Targets {
  let at = 0;
  return {
    next: () => {
      const integration = integrations[at++];
      return integration && { integration };
    },
  };
}

/** True of what says of itself that it cannot take every request. */
function isLimited({ lacks, context_tokens }: Document): boolean {
  return (lacks ?? context_tokens) !== undefined;
}

/**
 * Passes over those that say of themselves that they lack what the request needs: a chain
 * keeps to what was asked for.
 */
async function thoseThatCan(work: StageWork, chosen: readonly Document[], said: Said) {
  if (!chosen.some(isLimited)) return chosen;
  const need = await needOf(() => buildRequest(work, chosen[0] as Document, said));
  const able = chosen.filter((each) => canTake(each as Abilities, need));
  if (able.length > 0) return able;
  const asked = [`${need.tokens} tokens`, ...need.features].join(', ');
  throw new JdbxError('INVALID_INTEGRATION', `expected an integration that can take ${asked}`);
}
