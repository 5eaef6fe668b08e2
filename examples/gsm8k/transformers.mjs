/* global db */

/**
 * The two functions that become the code of transformer documents. They run in the
 * sandbox, so each must stand alone: it sees its arguments and, where its document
 * says so, `db`.
 */

/**
 * Reads the number after the last line that begins with `A:`. Currency signs,
 * thousands separators, a trailing `.00`, fractions, `million` and the like, and
 * whatever unit follows are understood; where there is no number it is null.
 */
export function parseAnswer(response) {
  const scales = { thousand: 1e3, million: 1e6, billion: 1e9 };
  const line = response.text.split('\n').findLast((each) => /^\s*A:/.test(each));
  if (line === undefined) return { written: null, number: null };
  const written = line.replace(/^\s*A:/, '').trim();
  const plain = written
    .replace(/[$£€]/g, '')
    .replaceAll('−', '-')
    .replace(/(\d),(?=\d{3}(?!\d))/g, '$1');
  const fraction = /(-?)(?:(\d+)\s+)?(\d+)\s*\/\s*([1-9]\d*)/.exec(plain);
  if (fraction) {
    const [, sign, whole = 0, above, below] = fraction;
    const size = Number(whole) + Number(above) / Number(below);
    return { written, number: sign ? -size : size };
  }
  const found = /(-?(?:\d+(?:\.\d*)?|\.\d+))(?:\s*(thousand|million|billion)\b)?/i.exec(plain);
  if (!found) return { written, number: null };
  return { written, number: Number(found[1]) * (scales[found[2]?.toLowerCase()] ?? 1) };
}

/** Compares a parsed answer with the question's reference, and stores the grade. */
export function grade({ answer, question, task }) {
  const correct = answer.number !== null && answer.number === question.answer;
  db.put({
    _id: `grade:${task.model}:${question.n}`,
    _type: 'grade',
    model: task.model,
    n: question.n,
    question: question._id,
    written: answer.written,
    number: answer.number,
    reference: question.answer,
    correct,
  });
  return { correct };
}
