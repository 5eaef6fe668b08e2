/**
 * A model on the loopback: `node models-server.mjs HOLD TELL`. It answers each call a second after
 * it came, but none before HOLD have come. Tells its parent its port, and
 * whenever TELL more have come.
 */
import { createServer } from 'node:http';

const LATENCY_MS = 1_000;
const [hold, tell] = process.argv.slice(2).map(Number);
const held = [];
let came = 0;
const usage = { prompt_tokens: 10, completion_tokens: 5 };
const choices = [{ message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }];
const body = JSON.stringify({ model: 'm', choices, usage });

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    const send = () => {
      response.setHeader('content-type', 'application/json');
      response.end(body);
    };
    came++;
    if (came % tell === 0) process.send?.({ came });
    if (came < hold) held.push(send);
    else {
      for (const each of held.splice(0)) setTimeout(each, LATENCY_MS);
      setTimeout(send, LATENCY_MS);
    }
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', 16_384, () => process.send?.({ port: server.address().port }));
process.on('disconnect', () => process.exit());
