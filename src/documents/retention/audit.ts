import { type AuditDocument, auditId } from '../../history/audit-chain.js';
import type { View } from '../view.js';
import type { Bounds } from './definition.js';
import { type Work, WRITES_MAX } from './work.js';

/** Replaces the start of the audit trail by a summary, as far as the bounds say. */
export async function trimAudit(work: Work, policy: string, bounds: Bounds): Promise<void> {
  const last = work.look((view) => lastDue(view, bounds, work.now, work.host.auditHead.n));
  for (;;) {
    const first = work.look(firstOf);
    if (!first) return;
    // A summary stands for others, and the trim leaves two documents itself.
    const start = first.kind === 'summary' ? first.n + 1 : first.n;
    if (last - start + 1 < 3) return;
    const end = Math.min(last, start + WRITES_MAX - 1);
    await work.write('auditDocuments', work.isDry ? last - start + 1 : end - start + 1, (draft) => {
      draft.trimAudit(first.n, end, policy);
      return end - start + 1;
    });
    if (work.isDry) return;
    await work.yield();
  }
}

function firstOf(view: View): AuditDocument | undefined {
  for (const id of view.idsOf('audit')) return view.engine.get(id)?.document as AuditDocument;
  return undefined;
}

/** The number of the last document that goes; numbers and times both rise along the chain. */
function lastDue(view: View, { newest, ageMs }: Bounds, now: number, n: number): number {
  const byCount = newest === undefined ? 0 : n - newest;
  if (ageMs === undefined) return byCount;
  let below = (firstOf(view)?.n ?? 1) - 1;
  let above = n;
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    const document = view.engine.get(auditId(middle))?.document as AuditDocument | undefined;
    if (document && Date.parse(document.at) <= now - ageMs) below = middle;
    else above = middle;
  }
  return Math.max(byCount, below);
}
