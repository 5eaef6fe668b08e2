/**
 * The integrations that answer without a network, made over to ask a real provider. The printed
 * stages name models of their own, which not every provider has: a transformer puts in the one
 * that is there.
 */
export function realModels({ credential, fields, model }, documents) {
  const offline = documents.filter(({ provider }) => ['recorded', 'extractive'].includes(provider));
  return [
    credential,
    {
      _id: 'transformer:real-model',
      _type: 'js_transformer',
      code: `function useModel() { return { model: ${JSON.stringify(model)} }; }`,
    },
    ...offline.map(({ _id, _type }) => ({
      _id,
      _type,
      ...fields,
      request_transformer: 'transformer:real-model',
    })),
  ];
}
