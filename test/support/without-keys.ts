/** This environment without the keys of real providers: no test asks one, whoever runs it. */
export function withoutKeys(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env);
  const others = own.filter(([name]) => !/^(OPENAI|ANTHROPIC|GEMINI|MISTRAL)_/.test(name));
  return { ...Object.fromEntries(others), ...more };
}
