/** HTTP/2 over TLS with a server on loopback, asked by a process that trusts its certificate. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { CERTIFICATE, KEY } from '../support/loopback-certificate.js';

const versions = new Map<string, string>();
const aborted: string[] = [];

const piece = (content: string) =>
  `data: ${JSON.stringify({ model: 'm', choices: [{ index: 0, delta: { content } }] })}\n\n`;
const END = `data: ${JSON.stringify({
  choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
})}\n\ndata: [DONE]\n\n`;

function serve(request: Http2ServerRequest, response: Http2ServerResponse): void {
  const [, name = ''] = request.url.split('/');
  versions.set(name, request.httpVersion);
  request.on('aborted', () => aborted.push(name));
  request.resume();
  if (name === 'silent') return;
  if (name === 'stream' || name === 'cut') {
    response.setHeader('content-type', 'text/event-stream');
    response.write(piece('over '));
    if (name === 'cut') setTimeout(() => request.stream.session?.destroy(), 20);
    else response.end(piece('two') + END);
    return;
  }
  response.setHeader('content-type', 'application/json');
  const message = { role: 'assistant', content: name };
  response.end(JSON.stringify({ model: 'm', choices: [{ message, finish_reason: 'stop' }] }));
}

it('is spoken where the integration says so and the server offers it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jdbx-http2-'));
  const authority = join(folder, 'authority.pem');
  writeFileSync(authority, CERTIFICATE);
  const server = createSecureServer({ key: KEY, cert: CERTIFICATE, allowHTTP1: true }, serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const job = fileURLToPath(new URL('http2-job.mjs', import.meta.url));
    const url = `https://localhost:${(server.address() as AddressInfo).port}`;
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: authority };
    const { stdout } = await promisify(execFile)(process.execPath, [job, url], { env });
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      ['default', 'default'],
      ['whole', 'whole'],
      ['stream', 'over two'],
      ['silent', 'MODEL_TIMEOUT'],
      ['cut', 'MODEL_UNAVAILABLE'],
    ]);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
  expect(Object.fromEntries(versions)).toEqual({
    default: '1.1',
    whole: '2.0',
    stream: '2.0',
    silent: '2.0',
    cut: '2.0',
  });
  // The one that was given up learned of it.
  expect(aborted).toContain('silent');
}, 30_000);
