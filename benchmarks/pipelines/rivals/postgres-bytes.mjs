import pg from 'pg';

/** What the database holds, its log and its catalogue of about 7 MB aside or not: differences count. */
export async function databaseBytes(url) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query('select pg_database_size(current_database()) as bytes');
  await client.end();
  return Number(rows[0].bytes);
}
