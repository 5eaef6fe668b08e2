/** The documents that the seed prints, as it prints them. */
export const SEED_DOCUMENTS = [
  {
    _id: 'prompt:greeting-template',
    _type: 'prompt',
    template: 'You are a helpful assistant. {context}',
    variables: ['context'],
    model: 'claude-3',
    temperature: 0.7,
  },
  {
    _id: 'transformer:response-parser',
    _type: 'js_transformer',
    code: 'function transform(response) { return JSON.parse(response.text); }',
    input_type: 'llm_response',
    output_type: 'structured_data',
  },
  {
    _id: 'integration:openai-api',
    _type: 'llm_integration',
    provider: 'openai',
    endpoint: 'https://api.openai.com/v1/completions',
    auth_type: 'bearer',
    credentials_ref: 'cred:openai-key',
  },
  {
    _id: 'transformer:context-builder',
    _type: 'js_transformer',
    code: `
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
  `,
    permissions: ['db.query'],
  },
  {
    _id: 'pipeline:code-generation',
    _type: 'llm_pipeline',
    stages: [
      {
        name: 'context_gathering',
        transformer: 'transformer:context-builder',
        inputs: ['project_id', 'session_id'],
      },
      {
        name: 'prompt_assembly',
        transformer: 'transformer:prompt-assembler',
        template_ref: 'prompt:code-generation-template',
      },
      {
        name: 'llm_invocation',
        integration: 'integration:claude-api',
        model: 'claude-3-opus',
        params: {
          temperature: 0.2,
          max_tokens: 4000,
        },
      },
      {
        name: 'response_parsing',
        transformer: 'transformer:code-extractor',
      },
      {
        name: 'quality_check',
        transformer: 'transformer:code-validator',
      },
    ],
  },
  {
    _id: 'session:project-x-2024-01-15',
    _type: 'llm_session',
    project_id: 'project:x',
    state: {
      context_window: [],
      token_count: 0,
      pattern_matches: [],
      quality_scores: [],
    },
    checkpoints: [
      {
        timestamp: '2024-01-15T10:00:00Z',
        state_ref: 'checkpoint:session-x-1',
        tokens_used: 15000,
      },
    ],
  },
  {
    _id: 'prompt:adaptive-context',
    _type: 'prompt_template',
    generator: `
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
  `,
  },
  {
    _id: 'pool:llm-resources',
    _type: 'resource_pool',
    resources: [
      {
        id: 'llm:claude-1',
        provider: 'anthropic',
        model: 'claude-3-opus',
        rate_limit: 50,
        tokens_per_minute: 100000,
      },
      {
        id: 'llm:gpt-1',
        provider: 'openai',
        model: 'gpt-4',
        rate_limit: 60,
        tokens_per_minute: 150000,
      },
    ],
    allocation_strategy: 'transformer:resource-allocator',
  },
  {
    _id: 'pattern:error-handling-2024-01',
    _type: 'code_pattern',
    domain: 'error_handling',
    language: 'javascript',
    trigger: 'try-catch implementation',
    solution: {
      code: '...',
      explanation: '...',
      test_cases: [],
    },
    metrics: {
      usage_count: 45,
      success_rate: 0.92,
      avg_time_saved: 300,
    },
    learned_from: 'session:project-y-2024-01-10',
  },
  {
    _id: 'orchestrator:multi-model',
    _type: 'llm_orchestrator',
    strategy: `
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
  `,
    fallback_chain: ['integration:claude-opus', 'integration:gpt-4', 'integration:claude-sonnet'],
  },
  {
    _id: 'integration:anthropic',
    _type: 'llm_provider',
    name: 'Anthropic',
    models: ['claude-3-opus', 'claude-3-sonnet', 'claude-3-haiku'],
    request_transformer: 'transformer:anthropic-request',
    response_transformer: 'transformer:anthropic-response',
    error_handler: 'transformer:anthropic-error-handler',
    retry_strategy: {
      max_retries: 3,
      backoff: 'exponential',
      retry_on: [429, 500, 502, 503, 504],
    },
  },
  {
    _id: 'engine:llm-runtime',
    _type: 'execution_engine',
    execute: `
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
  `,
  },
];
