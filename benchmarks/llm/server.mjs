/** A provider on loopback, in a process of its own: one JSON answer, or a stream of chunks. */
import { createServer } from 'node:http';

const TEXT = 'word '.repeat(40);
const usage = { prompt_tokens: 60, completion_tokens: 40, total_tokens: 100 };
const whole = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'bench',
  choices: [{ index: 0, message: { role: 'assistant', content: TEXT }, finish_reason: 'stop' }],
  usage,
});
const piece = (delta, finish_reason = null) =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'bench',
    choices: [{ index: 0, delta, finish_reason }],
  })}\n\n`;
const last = `data: ${JSON.stringify({ id: 'chatcmpl-1', model: 'bench', choices: [], usage })}\n\ndata: [DONE]\n\n`;

const server = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  const { stream, chunks = 32, every_ms = 0 } = JSON.parse(text);
  if (!stream)
    return void response.writeHead(200, { 'content-type': 'application/json' }).end(whole);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let n = 0; n < chunks && !response.destroyed; n++) {
    response.write(piece({ content: 'word ' }));
    await new Promise((resolve) =>
      every_ms > 0 ? setTimeout(resolve, every_ms) : setImmediate(resolve),
    );
  }
  response.end(piece({}, 'stop') + last);
});
server.listen(0, '127.0.0.1', () => process.send(server.address().port));
process.on('disconnect', () => process.exit());
