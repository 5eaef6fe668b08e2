import vm from 'node:vm';
import { getQuickJS } from 'quickjs-emscripten';

/** The same work by other means: values as JSON text, in and out. */
export async function openRivals() {
  const library = await getQuickJS();
  const kept = [];

  function open(code) {
    const runtime = library.newRuntime();
    runtime.setInterruptHandler(() => false);
    const context = runtime.newContext();
    context.unwrapResult(context.evalCode(code, 'bench.js')).dispose();
    const wrapped = '(text) => JSON.stringify(f(JSON.parse(text)))';
    const entry = context.unwrapResult(context.evalCode(wrapped, 'bench.js'));
    return { runtime, context, entry };
  }

  function call({ context, entry }, value) {
    const text = context.newString(JSON.stringify(value));
    const result = context.unwrapResult(context.callFunction(entry, context.undefined, text));
    text.dispose();
    const answer = JSON.parse(context.getString(result));
    result.dispose();
    return answer;
  }

  function close({ runtime, context, entry }) {
    entry.dispose();
    context.dispose();
    runtime.dispose();
  }

  return {
    wrapperFresh: (code, value) => () => {
      const opened = open(code);
      const answer = call(opened, value);
      close(opened);
      return answer;
    },
    wrapperKept: (code, value) => {
      const opened = open(code);
      kept.push(opened);
      return () => call(opened, value);
    },
    wrapperHostCalls: (code, count) => {
      const opened = open(code);
      kept.push(opened);
      const { context } = opened;
      context
        .newFunction('host', () => {})
        .consume((fn) => context.setProp(context.global, 'host', fn));
      return () => call(opened, count);
    },
    vmContext: (code, value) => {
      const script = new vm.Script(`${code}; (text) => JSON.stringify(f(JSON.parse(text)))`);
      return () => JSON.parse(script.runInContext(vm.createContext({}))(JSON.stringify(value)));
    },
    close: () => kept.forEach(close),
  };
}
