// Follows a store: `node follow-child.mjs STORE [stay]`, or the same as a worker thread.
// Tells what it sees each time that it is asked, by a line or a message.
import { createInterface } from 'node:readline';
import { parentPort, workerData } from 'node:worker_threads';
import { openFollower } from '#jdbx/storage/follower.js';

const path = workerData ?? process.argv[2];
const follower = await openFollower(path);

function look() {
  const snapshot = follower.snapshot();
  const found = [...snapshot.documents()].map(({ document }) => document.n).filter((n) => n > 0);
  const seen = { seq: snapshot.seq, count: found.length, sum: found.reduce((a, b) => a + b, 0) };
  snapshot.close();
  return seen;
}

const answer = async (question) => {
  if (question === 'look') return look();
  if (question === 'hold') return { held: follower.snapshot().seq };
  await follower.close();
  return { closed: true };
};

if (parentPort) {
  parentPort.on('message', async (question) => {
    parentPort.postMessage(await answer(question));
    if (question === 'close') parentPort.close();
  });
  parentPort.postMessage({ open: true });
} else {
  console.log('{"open":true}');
  for await (const question of createInterface(process.stdin)) {
    console.log(JSON.stringify(await answer(question)));
  }
}
