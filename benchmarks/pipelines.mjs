/** A pipeline of `count` stages that only fill a template in: what is left is the cost of a stage. */
export async function putPromptStages(store, count) {
  await store.put({
    _id: 'prompt:short',
    _type: 'prompt',
    template: 'Say {what} in one word.',
    variables: ['what'],
  });
  return putPipeline(store, count, { prompt: 'prompt:short' });
}

/** The same with a transformer in each stage, which runs in the sandbox. */
export async function putTransformerStages(store, count) {
  await store.put({
    _id: 'transformer:short',
    _type: 'transformer',
    code: 'function transform(input) { return { what: input.what, length: input.what.length }; }',
  });
  return putPipeline(store, count, { transformer: 'transformer:short', inputs: ['what'] });
}

async function putPipeline(store, count, kind) {
  const _id = `pipeline:of-${count}`;
  const stages = Array.from({ length: count }, (_, at) => ({ name: `stage-${at}`, ...kind }));
  await store.put({ _id, _type: 'pipeline', stages });
  return _id;
}
