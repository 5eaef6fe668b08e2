import { describe, expect, test } from 'vitest';
import { toRequest } from '#jdbx/llm/messages.js';

const said = (message: object) => ({ messages: [message] });
const asked = (part: object) => said({ role: 'user', content: [part] });

describe('what a stage hands over becomes a request', () => {
  const user = { role: 'user', content: 'Hi' };
  const system = { role: 'system', content: 'Be kind.' };

  test.each<[string, unknown, object]>([
    ['a string', 'Hi', { messages: [user] }],
    ['a prompt', { prompt: 'Hi' }, { messages: [user] }],
    ['a text', { text: 'Hi', other: 1 }, { messages: [user] }],
    ['messages', { messages: [system, user] }, { messages: [system, user] }],
    ['a system text', { prompt: 'Hi', system: 'Be kind.' }, { messages: [system, user] }],
    ['a passage', { prompt: 'Hi', context: 'p' }, { messages: [user], context: ['p'] }],
    ['passages', { prompt: 'Hi', context: ['p', 'q'] }, { messages: [user], context: ['p', 'q'] }],
    ['a key', { prompt: 'Hi', key: 'k' }, { messages: [user], key: 'k' }],
  ])('%s', (_, source, expected) => {
    expect(toRequest(source)).toEqual({ model: '', settings: {}, ...expected });
  });

  test('the defaults fill what the input leaves open, and give way to it', () => {
    const defaults = { model: 'm', settings: { seed: 1 }, system: 'Be kind.', context: ['d'] };
    expect(toRequest('Hi', { ...defaults, key: 'd' })).toEqual({
      model: 'm',
      settings: { seed: 1 },
      messages: [system, user],
      context: ['d'],
      key: 'd',
    });
    expect(toRequest({ prompt: 'Hi', context: [], key: 'k' }, { ...defaults, key: 'd' })).toEqual(
      expect.objectContaining({ context: [], key: 'k' }),
    );
  });

  test.each<[string, unknown, string | undefined]>([
    ['nothing', undefined, undefined],
    ['a number', 7, undefined],
    ['an empty object', {}, undefined],
    ['an object without anything said', { question: 'Hi' }, undefined],
    ['two things said', { prompt: 'Hi', text: 'Ho' }, undefined],
    ['an empty string', '', 'prompt'],
    ['a prompt that is no string', { prompt: 7 }, 'prompt'],
    ['no messages', { messages: [] }, 'messages'],
    ['messages that are none', { messages: 'Hi' }, 'messages'],
    ['a message that is none', { messages: ['Hi'] }, 'messages.0'],
    ['an unknown role', { messages: [{ role: 'robot', content: 'x' }] }, 'messages.0.role'],
    ['a result of no call', said({ role: 'tool', content: 'x' }), 'messages.0.tool_call_id'],
    ['a part of no kind', asked({ type: 'sound' }), 'messages.0.content.0.type'],
    ['an image from nowhere', asked({ type: 'image' }), 'messages.0.content.0'],
    ['a file on disk', asked({ type: 'file', url: 'file:///a' }), 'messages.0.content.0.url'],
    ['bytes of no type', asked({ type: 'file', data: 'aGk=' }), 'messages.0.content.0.media_type'],
    ['bytes that are none', asked({ type: 'file', data: '%' }), 'messages.0.content.0.data'],
    ['no calls', said({ role: 'assistant', tool_calls: [] }), 'messages.0.tool_calls'],
    ['a nameless tool', { prompt: 'x', tools: [{ name: '' }] }, 'tools.0.name'],
    ['a tool twice', { prompt: 'x', tools: [{ name: 'a' }, { name: 'a' }] }, 'tools'],
    ['an unknown choice', { prompt: 'x', tool_choice: 'maybe' }, 'tool_choice'],
    [
      'a schema that is none',
      { prompt: 'x', response_schema: { schema: 5 } },
      'response_schema.schema',
    ],
    ['an empty message', { messages: [{ role: 'user', content: '' }] }, 'messages.0.content'],
    ['a passage that is no string', { prompt: 'Hi', context: [1] }, 'context.0'],
    ['a context that is no string', { prompt: 'Hi', context: 1 }, 'context'],
    ['a system that is no string', { prompt: 'Hi', system: {} }, 'system'],
    ['a key that is no string', { prompt: 'Hi', key: 1 }, 'key'],
  ])('%s is MISSING_INPUT', (_, source, path) => {
    const make = () => toRequest(source);
    expect(make).toThrow(expect.objectContaining({ code: 'MISSING_INPUT', path: path ?? '' }));
    expect(make).toThrow(/expected .*/);
  });
});
