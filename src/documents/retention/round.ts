import { trimAudit } from './audit.js';
import type { RetainOptions, RetainReport, RetentionHost } from './contract.js';
import type { RetentionPolicy } from './definition.js';
import { removeExpired } from './expired.js';
import { trimLog } from './log.js';
import { removeBeyondNewest } from './newest.js';
import { forgetRevisions } from './revisions.js';
import { Work } from './work.js';

/** Does once what every retention document and every expiring index asks for. */
export async function retainOnce(
  host: RetentionHost,
  options: RetainOptions = {},
): Promise<RetainReport> {
  const work = new Work(host, options);
  options.signal?.throwIfAborted();
  for (const policy of host.policies) {
    work.begin(policy.id);
    await apply(work, policy);
  }
  const report = work.report(true);
  options.onProgress?.(report);
  return report;
}

async function apply(work: Work, { id, type, documents, revisions, log }: RetentionPolicy) {
  if (type === 'audit' && documents) await trimAudit(work, id, documents);
  else if (type !== undefined && documents) {
    await removeExpired(work, type, documents);
    await removeBeyondNewest(work, type, documents);
  }
  if (type !== undefined && revisions) await forgetRevisions(work, type, revisions);
  if (log) await trimLog(work, log);
}
