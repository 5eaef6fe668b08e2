/**
 * Answers in the shape that the providers' public API references give them,
 * with values of our own.
 */

/** https://platform.openai.com/docs/api-reference/chat/object */
export const chatAnswer = {
  id: 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT',
  object: 'chat.completion',
  created: 1_741_569_952,
  model: 'gpt-4.1-2025-04-14',
  choices: [
    {
      index: 0,
      message: {
        role: 'assistant',
        content: 'The answer is 42.',
        refusal: null,
        annotations: [],
      },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage: {
    prompt_tokens: 19,
    completion_tokens: 10,
    total_tokens: 29,
    prompt_tokens_details: { cached_tokens: 4, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  },
  service_tier: 'default',
};

/** A chat answer with another first choice. */
export function chatAnswerWith(choice: object): object {
  return { ...chatAnswer, choices: [{ index: 0, logprobs: null, ...choice }] };
}

/** https://platform.openai.com/docs/api-reference/completions/object */
export const completionAnswer = {
  id: 'cmpl-uqkvlQyYK7bGYrRHQ0eXlWi7',
  object: 'text_completion',
  created: 1_589_478_378,
  model: 'gpt-3.5-turbo-instruct',
  system_fingerprint: 'fp_44709d6fcb',
  choices: [{ text: '\n\nForty-two.', index: 0, logprobs: null, finish_reason: 'length' }],
  usage: { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 },
};

/** https://docs.anthropic.com/en/api/messages */
export const messagesAnswer = {
  id: 'msg_013Zva2CMHLNnXjNJJKqJ2EF',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5-20250929',
  content: [
    { type: 'thinking', thinking: 'A well-known number.', signature: 'EqQBCgIYAhIM' },
    { type: 'text', text: 'The answer ' },
    { type: 'text', text: 'is 42.' },
  ],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: {
    input_tokens: 2_095,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: 503,
  },
};

/** https://docs.anthropic.com/en/api/errors */
export const overloadedAnswer = {
  type: 'error',
  error: { type: 'overloaded_error', message: 'Overloaded' },
  request_id: 'req_011CSHoEeqs5C35K2UUqR7Fy',
};

/** https://platform.openai.com/docs/guides/error-codes */
export const refusedAnswer = {
  error: {
    message: "Unsupported value: 'temperature' does not support 7 with this model.",
    type: 'invalid_request_error',
    param: 'temperature',
    code: 'unsupported_value',
  },
};
