import { afterAll, expect, test } from 'vitest';
import type { Value } from '#jdbx/base/values.js';
import { checkGuestCode } from '#jdbx/sandbox/entry.js';
import { createSandbox } from '#jdbx/sandbox/pool.js';
import { guestValue } from './guest.js';

/** The code of the documents that users asked for, as they wrote it. */
const RESPONSE_PARSER = 'function transform(response) { return JSON.parse(response.text); }';

const CONTEXT_BUILDER = `
    function buildContext(params) {
      const { project, history, patterns } = params;
      
      // Retrieve relevant patterns
      const relevantPatterns = db.query({
        _type: "pattern",
        tags: { $in: project.tags }
      });
      
      // Build context object
      return {
        project: project.summary,
        recent: history.slice(-5),
        patterns: relevantPatterns.map(p => p.solution),
        timestamp: new Date().toISOString()
      };
    }
  `;

const ADAPTIVE_CONTEXT = `
    function generatePrompt(session, task) {
      const basePrompt = db.get("prompt:base-template");
      const patterns = db.query({
        _type: "pattern",
        domain: task.domain,
        success_rate: { $gt: 0.8 }
      });
      
      return basePrompt.template
        .replace("{task}", task.description)
        .replace("{patterns}", patterns.map(p => p.example).join("\\n"))
        .replace("{context}", session.context.slice(-2000));
    }
  `;

const MULTI_MODEL = `
    function selectModel(task) {
      if (task.type === "code_generation" && task.complexity > 0.7) {
        return "integration:claude-opus";
      } else if (task.type === "documentation") {
        return "integration:gpt-4";
      } else if (task.type === "quick_fix") {
        return "integration:claude-haiku";
      }
      return "integration:default";
    }
  `;

const LLM_RUNTIME = `
    async function executeLLMTask(task_id) {
      const task = await db.get(task_id);
      const pipeline = await db.get(task.pipeline_id);
      const session = await db.get(task.session_id);
      
      const context = {
        task,
        session,
        patterns: await loadPatterns(task),
        resources: await allocateResources(task)
      };
      
      for (const stage of pipeline.stages) {
        context[stage.name] = await executeStage(stage, context);
        await checkpoint(session, stage.name, context);
      }
      
      return context;
    }
  `;

const sandbox = createSandbox({ workers: 1 });
afterAll(() => sandbox.close());

test('the response parser parses', async () => {
  const args = [{ text: '{"code":"x = 1"}' }];
  expect(await guestValue(sandbox, RESPONSE_PARSER, { args })).toEqual({ code: 'x = 1' });
});

test('the context builder queries patterns and takes them as an array', async () => {
  const host = { 'db.query': () => [{ solution: { code: 'a' } }, { solution: { code: 'b' } }] };
  const args = [{ project: { summary: 'P', tags: ['t'] }, history: [1, 2, 3, 4, 5, 6] }];
  expect(await guestValue(sandbox, CONTEXT_BUILDER, { args, host })).toEqual({
    project: 'P',
    recent: [2, 3, 4, 5, 6],
    patterns: [{ code: 'a' }, { code: 'b' }],
    timestamp: '2024-01-15T10:00:00.000Z',
  });
});

test('the prompt generator reads a prompt and fills it', async () => {
  const host = {
    'db.get': () => ({ template: '{task}|{patterns}|{context}' }),
    'db.query': () => [{ example: 'one' }, { example: 'two' }],
  };
  const args = [{ context: 'so far' }, { domain: 'd', description: 'do it' }];
  const prompt = await guestValue(sandbox, ADAPTIVE_CONTEXT, { args, host });
  expect(prompt).toBe('do it|one\ntwo|so far');
  const { parameters } = checkGuestCode(ADAPTIVE_CONTEXT, { name: 'prompt:adaptive-context' });
  expect(parameters).toEqual(['session', 'task']);
});

test('the model selector selects', async () => {
  const task = { type: 'code_generation', complexity: 0.8 };
  expect(await guestValue(sandbox, MULTI_MODEL, { args: [task] })).toBe('integration:claude-opus');
  expect(await guestValue(sandbox, MULTI_MODEL, { args: [{}] })).toBe('integration:default');
});

test('the execution engine runs stages and checkpoints through the host', async () => {
  const documents: Record<string, Value> = {
    t: { pipeline_id: 'p', session_id: 's' },
    p: { stages: [{ name: 'first' }, { name: 'second' }] },
    s: { _id: 's' },
  };
  const checkpoints: Value[] = [];
  const host = {
    'db.get': async (id: Value) => documents[id as string],
    loadPatterns: async () => ['pattern'],
    allocateResources: () => ({ model: 'm' }),
    executeStage: async (stage: Value) => `${(stage as { name: string }).name} done`,
    checkpoint: async (...args: Value[]) => void checkpoints.push(args[1] as Value),
  };
  expect(await guestValue(sandbox, LLM_RUNTIME, { args: ['t'], host })).toMatchObject({
    patterns: ['pattern'],
    resources: { model: 'm' },
    first: 'first done',
    second: 'second done',
  });
  expect(checkpoints).toEqual(['first', 'second']);
});
