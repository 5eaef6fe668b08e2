import type { StageKind, StageOutcome, StageWork } from '../contract.js';
import { type EarlierTurns, earlierTurns } from '../models/earlier-turns.js';
import { firstAnswer } from '../models/first-answer.js';
import { turnsOf } from '../models/session-turns.js';
import { targetsFor } from '../models/targets.js';
import { saidBy } from './said-by.js';

/**
 * Calls a model. The input is a string, or `{ prompt | text | messages, system?, context? }`;
 * with a `template_ref` the prompt document is rendered first. Settings of the integration,
 * the prompt and the stage are merged, the stage's winning.
 */
export const integrationStage: StageKind = {
  name: 'integration',
  async run(work: StageWork): Promise<StageOutcome> {
    const saying = saidBy(work);
    const { output, facts } = saying instanceof Promise ? await saying : saying;
    const earlier = work.stage.history ? await earlierTurns(work) : NONE;
    const said = { output, earlier: earlier.messages };
    const finding = targetsFor(work, said);
    const targets = finding instanceof Promise ? await finding : finding;
    const { target, request, response, facts: found } = await firstAnswer(work, targets, said);
    const { _id, _rev } = target.integration;
    const isTurn = work.stage.turn !== undefined;
    const asked = { integration: _id, integration_rev: _rev };
    return {
      output: response,
      turns: isTurn ? [] : turnsOf(request, response),
      facts: Object.assign({}, facts, earlier.facts, target.facts, found, asked),
    };
  },
};

const NONE: EarlierTurns = { messages: [], facts: {} };
