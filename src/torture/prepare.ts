import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Document } from '../base/document.js';
import { open } from '../open.js';
import { lookBefore } from './judge.js';

/** Integrations that answer by themselves, from what is in the store. */
const LOCAL = new Set(['recorded', 'extractive']);

/**
 * Makes a copied store ready to be killed in: nothing else is under way in it, and what it
 * holds is written down beside it.
 */
export async function prepare(directory: string): Promise<void> {
  const db = await open(join(directory, 'store'), {
    create: false,
    resume: false,
    retentionIntervalMs: 0,
    workers: 1,
    env: {},
  });
  try {
    const unfinished = { $in: ['running', 'waiting', 'paused'] };
    const filter = { _type: 'run', status: unfinished, parent: { $exists: false } };
    for (const { _id } of await db.query(filter)) await db.cancel(_id);
    await db.remove({ _type: 'schedule' }, { many: true });
    await db.remove({ _type: 'executor' }, { many: true });
    const { revisions, seq, budgets, sessions } = await lookBefore(db);
    write(directory, 'before.json', {
      revisions: [...revisions],
      seq,
      budgets: [...budgets],
      sessions: [...sessions],
    });
    write(directory, 'providers.json', await providersIn(db.query({ _type: 'integration' })));
  } finally {
    await db.close();
  }
}

async function providersIn(integrations: PromiseLike<readonly Document[]>): Promise<string[]> {
  const names = (await integrations).map(({ provider, name }) =>
    String(provider ?? String(name ?? '').toLowerCase()),
  );
  return [...new Set(names)].filter((name) => name !== '' && !LOCAL.has(name));
}

function write(directory: string, name: string, value: unknown): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, name), JSON.stringify(value));
}
