/** In the order in which they print; the floor is always measured, ours and its rivals as asked. */
export const SUBJECTS = [
  {
    name: 'raw-lmdb',
    module: './floor.mjs',
    opener: 'openSubject',
    isFloor: true,
    skips: ['together'],
  },
  { name: 'jdbx', module: './jdbx.mjs', opener: 'openSubject' },
  {
    name: 'jdbx-handing-on',
    module: './jdbx.mjs',
    opener: 'openHandingOn',
    skips: ['sequential', 'together'],
  },
  { name: 'dbos', module: './rivals/dbos.mjs', opener: 'openSubject', needs: 'postgres' },
  {
    name: 'openworkflow',
    module: './rivals/openworkflow.mjs',
    opener: 'openSubject',
    needs: 'sqlite',
  },
  { name: 'langgraph-jdbx', module: './rivals/langgraph.mjs', opener: 'openJdbx' },
  { name: 'langgraph-sqlite', module: './rivals/langgraph.mjs', opener: 'openSqlite' },
  {
    name: 'langgraph-postgres',
    module: './rivals/langgraph.mjs',
    opener: 'openPostgres',
    needs: 'postgres',
  },
];
