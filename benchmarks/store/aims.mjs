/**
 * The rows of the table: what is compared with what, and the ratio against better-sqlite3 that
 * is aimed at, for 100,000 documents and for a million. `rival` is the rival's figure when it
 * differs: a rival that caches no decoded documents is as warm as it gets.
 */
const read = (work, warm, cold, million) => [
  { figure: `${work}, warm`, work, aim: warm, million },
  { figure: `${work}, cold`, rival: `${work}, warm`, work, aim: cold },
];

export const ROWS = [
  ...read('get', 30, 2.2, 8),
  ...read('equality, 10 results', 25, 1.7, 15),
  ...read('equality, 1,000 results', 90, 1.5, 50),
  ...read('range + sort + limit 20', 35, 1.6, 25),
  ...read('two fields, limit 50', 120, 1.5, 80),
  ...read('$in on an array, limit 50', 40, 1.8, 35),
  { figure: 'scan without an index, warm', work: 'scan without an index', aim: 15 },
  { figure: 'scan without an index, cold', rival: 'scan without an index, warm', work: 'scan without an index' },
  { figure: 'bulk load, five indexes', work: 'bulk load', aim: 1.6 },
  { figure: 'durable insert, one caller', work: 'durable insert, one caller', aim: 1.5, million: 3 },
  { figure: 'durable inserts, 1,000 callers', work: 'durable inserts, 1,000 callers', aim: 3, million: 3.5 },
  { figure: 'update, durable', work: 'update, durable', aim: 1.2 },
  { figure: 'update, in batches of 1,000', work: 'update, in batches of 1,000', aim: 2 },
  { figure: 'disk, bytes', work: 'disk', aim: 0.9, less: true, unit: 'bytes' },
  { figure: 'put after 500,000 updates, times', work: 'put after 500,000 updates', own: 1.3, unit: '×' },
  { figure: 'open and ask, ms', work: 'open', unit: 'ms' },
].map((row) => ({ rival: row.figure, ...row })); // biome-ignore format: a table

/** What `--only` may name. */
export const WORKS = [...new Set(ROWS.map(({ work }) => work))];

/** A row's ratio against the judge, and whether the aim is met. */
export function judge(row, own, theirs, documents) {
  const ratio = own === undefined || theirs === undefined ? undefined : own / theirs;
  const aim = documents >= 1_000_000 ? row.million : row.aim;
  if (row.own) return { aim: `≤ ${row.own}×`, met: own === undefined ? undefined : own <= row.own };
  if (aim === undefined) return { ratio };
  const met = ratio === undefined ? undefined : row.less ? ratio <= aim : ratio >= aim;
  return { ratio, aim: `${row.less ? '≤' : '≥'} ${aim}×`, met };
}
