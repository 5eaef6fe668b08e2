import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { withoutKeys } from '../support/without-keys.js';

const root = new URL('../../', import.meta.url);
const seed = new URL('../shared/seeds/jdbx-llm-runtime.md', root);

describe('the seed example', () => {
  let printed = '';

  beforeAll(async () => {
    const main = new URL('examples/seed/main.mjs', root).pathname;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [main], {
      env: withoutKeys(),
    });
    expect(stderr).toBe('');
    printed = stdout;
  }, 60_000);

  it('runs the pipeline to its checked result', () => {
    expect(printed).toContain('function readConfig(path) {');
    expect(printed).toContain('handles_errors: true');
    expect(printed).toMatch(/session: { token_count: 154, turns: 2, checkpoints: 2 }/);
  });

  it('prints the audit trail as a table', () => {
    const rows = printed.split('\n').filter((line) => /^│ \d/.test(line));
    const cells = rows.map((line) => line.split('│').map((cell) => cell.trim()));
    expect(cells.map(([, , , kind, stage]) => `${kind} ${stage}`)).toEqual([
      "'run-start' ''",
      "'stage' 'context_gathering'",
      "'stage' 'prompt_assembly'",
      "'llm-call' 'llm_invocation'",
      "'stage' 'llm_invocation'",
      "'stage' 'response_parsing'",
      "'stage' 'quality_check'",
      "'run-end' ''",
    ]);
  });

  it('shows the adaptive prompt refused, and then filled in', () => {
    expect(printed).toContain('PERMISSION_DENIED: db.get is not permitted');
    expect(printed).toMatch(
      /Task: read a file safely\n\nExamples:\nthrow new Error.*\n\nContext: Yesterday/,
    );
  });

  it('shows the orchestrator’s choice and its chain, the parser, and a sound audit', () => {
    expect(printed).toContain(
      'code_generation: integration:claude-opus (RECORDING_MISSING), then integration:gpt-4 (ok)',
    );
    expect(printed).toContain('documentation: integration:gpt-4 (ok)');
    expect(printed).toContain('{ answer: 42 }');
    expect(printed).toContain('You know error handling. You know 3 patterns.');
    expect(printed).toContain(
      'program/1/loadPatterns program/2/allocateResources program/3/about program/4/checkpoint ' +
        'program/5/question program/6/checkpoint program/7/length program/8/checkpoint program',
    );
    expect(printed).toMatch(/{ ok: true, verified: \d+ }/);
  });
});

describe.skipIf(!existsSync(seed))('its documents, where the seed is at hand', () => {
  const text = existsSync(seed) ? readFileSync(seed, 'utf8') : '';
  let documents: Record<string, unknown>[];

  beforeAll(async () => {
    const { href } = new URL('examples/seed/seed-documents.mjs', root);
    documents = (await import(href)).SEED_DOCUMENTS;
  });

  it('are the printed ones, each of them, field by field', () => {
    const objects = text.match(/^\{\n[\s\S]*?^\}$/gm) ?? [];
    const asPrinted = objects.map((source) => new Function(`return (${source})`)());
    expect(asPrinted.length).toBeGreaterThan(10);
    expect(documents).toEqual(asPrinted);
  });

  it('hold their code word for word', () => {
    const fields = ['code', 'generator', 'strategy', 'execute'];
    const codes = documents.flatMap((document) =>
      fields.flatMap((field) => (typeof document[field] === 'string' ? [document[field]] : [])),
    );
    expect(codes).toHaveLength(5);
    for (const code of codes) expect(text).toContain(code.replaceAll('\\', '\\\\'));
  });
});
