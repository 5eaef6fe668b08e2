import type { AuditEntry } from '../history/audit-chain.js';
import type { ModelAttempt } from '../llm/contract.js';
import type { SessionUsage } from '../sessions/sessions.js';

export const NO_USAGE: SessionUsage = { input_tokens: 0, output_tokens: 0, cost_usd: 0, calls: 0 };

export function addUsage(left: SessionUsage, right: SessionUsage): SessionUsage {
  return {
    input_tokens: left.input_tokens + right.input_tokens,
    output_tokens: left.output_tokens + right.output_tokens,
    cost_usd: left.cost_usd + right.cost_usd,
    calls: left.calls + right.calls,
  };
}

/** What the model calls among audit entries used. A figure that a provider did not report adds nothing. */
export function usageIn(entries: readonly AuditEntry[]): SessionUsage {
  let sum = NO_USAGE;
  for (const entry of entries) if (entry.kind === 'llm-call') sum = addCall(sum, entry);
  return sum;
}

function addCall(sum: SessionUsage, entry: AuditEntry): SessionUsage {
  // What was given from the cache called nobody.
  if (entry.cached === true) return sum;
  const { usage, cost_usd } = entry as Partial<ModelAttempt>;
  return addUsage(sum, {
    input_tokens: usage?.input_tokens ?? 0,
    output_tokens: usage?.output_tokens ?? 0,
    cost_usd: cost_usd ?? 0,
    calls: 1,
  });
}

/**
 * What a run has used, by the path of the stage: every attempt that is in the audit
 * trail, failed ones too, and for a stage that runs a pipeline its child run's total.
 */
export class Spending {
  readonly #byPath = new Map<string, SessionUsage>();

  on(path: string): SessionUsage {
    return this.#byPath.get(path) ?? NO_USAGE;
  }

  add(path: string, usage: SessionUsage): void {
    if (usage.calls > 0) this.set(path, addUsage(this.on(path), usage));
  }

  /** A child run that is taken up again reports its total anew, so it replaces. */
  set(path: string, usage: SessionUsage): void {
    this.#byPath.set(path, usage);
  }

  get total(): SessionUsage {
    return [...this.#byPath.values()].reduce(addUsage, NO_USAGE);
  }

  /** What `total` gives once `add` was told this. */
  totalWith(path: string, usage: SessionUsage): SessionUsage {
    if (usage.calls === 0) return this.total;
    const with_ = new Map(this.#byPath).set(path, addUsage(this.on(path), usage));
    return [...with_.values()].reduce(addUsage, NO_USAGE);
  }
}
