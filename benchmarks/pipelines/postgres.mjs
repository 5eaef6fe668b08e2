/** A PostgreSQL of its own for the rivals that need one: in a temporary folder, on a loopback port. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const INSTALLED = '/usr/lib/postgresql';

/** Undefined where no PostgreSQL is installed. */
export async function startPostgres() {
  const bin = binaries();
  if (bin === undefined) return undefined;
  const directory = mkdtempSync(join(tmpdir(), 'jdbx-bench-postgres-'));
  const who = serverUser();
  if (who) chownSync(directory, who.uid, who.gid);
  chmodSync(directory, 0o700);
  const data = join(directory, 'data');
  const options = { ...who, cwd: directory, stdio: 'ignore' };
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8'],
    options,
  );
  const port = await freePort();
  const server = spawn(
    join(bin, 'postgres'),
    [
      '-D',
      data,
      '-p',
      port,
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      `unix_socket_directories=${directory}`,
      '-c',
      'max_connections=200',
    ],
    options,
  );
  const client = ['-h', '127.0.0.1', '-p', port, '-U', 'bench'];
  await untilReady(join(bin, 'pg_isready'), client);
  let made = 0;
  return {
    /** The address of a new, empty database. */
    newDatabase() {
      const name = `bench_${++made}`;
      execFileSync(join(bin, 'createdb'), [...client, name], { stdio: 'ignore' });
      return `postgresql://bench@127.0.0.1:${port}/${name}`;
    },
    dropDatabase(url) {
      execFileSync(join(bin, 'dropdb'), [...client, '--force', url.split('/').at(-1)], {
        stdio: 'ignore',
      });
    },
    async stop() {
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGINT');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function binaries() {
  if (!existsSync(INSTALLED)) return undefined;
  const versions = readdirSync(INSTALLED).toSorted((left, right) => Number(right) - Number(left));
  return versions
    .map((version) => join(INSTALLED, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')));
}

/** PostgreSQL refuses to be root; Debian's package brings a user for it. */
function serverUser() {
  if (process.getuid?.() !== 0) return undefined;
  const of = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: of('-u'), gid: of('-g') };
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return String(port);
}

async function untilReady(command, client) {
  for (let left = 100; ; left--) {
    try {
      return execFileSync(command, client, { stdio: 'ignore' });
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
