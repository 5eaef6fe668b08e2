// Commits in a loop until it is killed. Each acknowledged commit is a line on standard output.
import { openEmbedded } from '#jdbx/storage/open-embedded.js';

const [path, seed] = process.argv.slice(2);
const engine = await openEmbedded(path, { layerMaxBytes: 4_000, idleMs: 3 });
let state = Number(seed) || 1;
const random = (below) => {
  state = (state * 48_271) % 2_147_483_647;
  return state % below;
};
process.stdout.write(`open ${engine.seq}\n`);
for (;;) {
  const commits = Array.from({ length: 1 + random(3) }, (_, index) => {
    const seq = engine.seq + 1 + index;
    const ref = 1 + random(20);
    const _id = `doc:${ref}`;
    const document = { _id, _type: 'doc', _rev: seq, filler: 'x'.repeat(random(400)) };
    const put = { kind: 'put', ref, id: _id, rev: seq, document, versioned: ref % 2 === 0 };
    return { seq, at: seq, changes: [put] };
  });
  const last = commits.at(-1).seq;
  await engine.commit({ commits, names: { last }, logFrom: last - 50 });
  process.stdout.write(
    `${commits.map(({ changes: [{ document }] }) => `${document._id}=${document._rev}`).join(' ')}\n`,
  );
}
