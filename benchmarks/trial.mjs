/** One trial in a process of its own: `node trial.mjs NAME DIRECTORY` prints its measures as JSON. */
const [name, directory] = process.argv.slice(2);
const { run } = await import(`./trials/${name}.mjs`);
console.log(JSON.stringify(await run({ directory })));
