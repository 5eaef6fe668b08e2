/** What the seed names without printing it, and what makes its parts fit each other. */

const transformer = (name, code) => ({
  _id: `transformer:${name}`,
  _type: 'js_transformer',
  code: String(code),
});

/** `prompt` is the document that the stage names as its `template_ref`. */
function assemblePrompt({ project, recent, patterns, prompt }) {
  const text = {
    project,
    patterns: patterns.map(({ code, explanation }) => `// ${explanation}\n${code}`).join('\n\n'),
    recent: recent.map(({ role, content }) => `${role}: ${content}`).join('\n') || '(nothing yet)',
  };
  // A function, so that a `$` in the text means nothing to `replace`.
  const fill = (template, name) => template.replace(`{${name}}`, () => text[name]);
  return { prompt: prompt.variables.reduce(fill, prompt.template) };
}

function extractCode({ text }) {
  const found = /```(\w*)\n([\s\S]*?)```/.exec(text);
  if (!found) throw new Error('expected a block of code in the answer');
  return { language: found[1] || 'text', code: found[2].trim() };
}

function validateCode({ language, code }) {
  const count = (character) => code.split(character).length - 1;
  const checks = {
    balanced: count('{') === count('}') && count('(') === count(')'),
    handles_errors: /\btry\b[\s\S]*\bcatch\b/.test(code),
    keeps_cause: /\bcause\b/.test(code),
  };
  const passed = Object.values(checks).filter(Boolean).length;
  return { language, code, checks, score: passed / Object.keys(checks).length };
}

/** Answers from what was recorded, or by quoting: neither needs a network. */
const offline = (name, provider) => ({
  _id: `integration:${name}`,
  _type: 'llm_integration',
  provider,
});

function findPatterns({ domain }) {
  const found = db.query({ _type: 'pattern', domain }).toArray();
  return found.map(({ _id }) => _id);
}

function allocate({ domain }) {
  return { integration: 'integration:claude-haiku', domain };
}

function aboutTask({ task, patterns }) {
  return { context: `${task.about} You know ${patterns.length} patterns.` };
}

function lengthOf(text) {
  return text.length;
}

export const MORE_DOCUMENTS = [
  // The functions that `engine:llm-runtime` calls, and a task for it.
  { ...transformer('find-patterns', findPatterns), permissions: ['db.query:pattern'] },
  transformer('allocate', allocate),
  {
    _id: 'pipeline:explain',
    _type: 'pipeline',
    stages: [
      { name: 'about', transformer: 'transformer:about', inputs: ['task', 'patterns'] },
      { name: 'question', template_ref: 'prompt:greeting-template', inputs: '$about' },
      { name: 'length', transformer: 'transformer:length', inputs: '$question.prompt' },
    ],
  },
  transformer('about', aboutTask),
  transformer('length', lengthOf),
  {
    _id: 'task:1',
    _type: 'task',
    domain: 'error_handling',
    about: 'You know error handling.',
    pipeline_id: 'pipeline:explain',
    session_id: 'session:project-x-2024-01-15',
  },
  { _id: 'alias:pattern', _type: 'alias', type: 'pattern', includes: ['code_pattern'] },
  {
    _id: 'project:x',
    _type: 'project',
    summary: 'A command line tool that reads configuration files.',
    tags: ['files', 'error_handling'],
  },
  {
    _id: 'pattern:wrap-and-rethrow',
    _type: 'code_pattern',
    domain: 'error_handling',
    tags: ['error_handling'],
    success_rate: 0.92,
    example: 'throw new Error("cannot read " + path, { cause });',
    solution: {
      code: 'try {\n  return work();\n} catch (cause) {\n  throw new Error("what failed", { cause });\n}',
      explanation: 'Say what failed, and keep the cause.',
    },
  },
  {
    _id: 'pattern:swallow',
    _type: 'code_pattern',
    domain: 'error_handling',
    tags: ['legacy'],
    success_rate: 0.2,
    example: 'catch {}',
    solution: { code: 'try { work() } catch {}', explanation: 'Hides what went wrong.' },
  },
  {
    _id: 'prompt:code-generation-template',
    _type: 'prompt',
    template:
      'Project: {project}\n\nPatterns that worked here:\n\n{patterns}\n\nSaid before:\n{recent}\n\n' +
      'Write the function that reads a configuration file, in JavaScript.',
    variables: ['project', 'patterns', 'recent'],
  },
  {
    _id: 'prompt:base-template',
    _type: 'prompt',
    template: 'Task: {task}\n\nExamples:\n{patterns}\n\nContext: {context}',
    variables: ['task', 'patterns', 'context'],
  },
  transformer('prompt-assembler', assemblePrompt),
  transformer('code-extractor', extractCode),
  transformer('code-validator', validateCode),
  offline('claude-api', 'recorded'),
  {
    _id: 'recorded_call:code-generation',
    _type: 'recorded_call',
    integration: 'integration:claude-api',
    // Of the model, the messages and the settings that the pipeline sends: see README.md.
    request_hash: '0fd4e0ad75bfcd3af016013c2ecc5441a5780fdbc30fd79eda2457d8fefcf931',
    response: {
      text: [
        'Here it is, with the cause kept:',
        '',
        '```js',
        'function readConfig(path) {',
        '  try {',
        '    return JSON.parse(readFileSync(path, "utf8"));',
        '  } catch (cause) {',
        '    throw new Error("cannot read " + path, { cause });',
        '  }',
        '}',
        '```',
      ].join('\n'),
      model: 'claude-3-opus-20240229',
      usage: { input_tokens: 96, output_tokens: 58 },
    },
  },
  // The orchestrator's choices. Nothing was recorded of the first, so the chain goes on.
  offline('claude-opus', 'recorded'),
  offline('gpt-4', 'extractive'),
  offline('claude-sonnet', 'extractive'),
  offline('claude-haiku', 'extractive'),
  offline('default', 'extractive'),
  { _id: 'cred:openai-key', _type: 'credential', env: 'OPENAI_API_KEY' },
  // The printed session has no `context`, which the adaptive prompt reads.
  {
    _id: 'session:project-x-2024-01-16',
    _type: 'llm_session',
    project_id: 'project:x',
    context: 'Yesterday the tool crashed on a file that was not there.',
  },
  // Pipelines for the parts that the seed prints without one.
  {
    _id: 'pipeline:greeting',
    _type: 'llm_pipeline',
    stages: [{ name: 'greeting', prompt: 'prompt:greeting-template' }],
  },
  {
    _id: 'pipeline:adaptive-prompt',
    _type: 'llm_pipeline',
    stages: [
      { name: 'prompt', template_ref: 'prompt:adaptive-context', inputs: ['session_id', 'task'] },
    ],
  },
  {
    _id: 'pipeline:orchestrated',
    _type: 'llm_pipeline',
    stages: [
      { name: 'answer', integration: 'orchestrator:multi-model', inputs: '$input.question' },
    ],
  },
  {
    _id: 'pipeline:parse',
    _type: 'llm_pipeline',
    stages: [{ name: 'parse', transformer: 'transformer:response-parser' }],
  },
];
