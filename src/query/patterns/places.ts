import type { Place } from './syntax.js';

/** Whether a place between two characters is of a kind. */
export function isAt(text: string, place: Place, at: number): boolean {
  const { length } = text;
  switch (place) {
    case 'start':
      return at === 0;
    case 'end':
      return at === length;
    case 'end-or-newline':
      return at === length || (at === length - 1 && text[at] === '\n');
    case 'line-start':
      return at === 0 || text[at - 1] === '\n';
    case 'line-end':
      return at === length || text[at] === '\n';
    default:
      return (isWord(text[at - 1]) !== isWord(text[at])) === (place === 'word-edge');
  }
}

function isWord(char: string | undefined): boolean {
  return char !== undefined && /\w/.test(char);
}

/** So many characters back; before the text there is nothing to match. */
export function placeBefore(text: string, at: number, length: number): number {
  let place = at;
  for (let left = length; left > 0; left--) {
    place--;
    const low = text.charCodeAt(place) >> 10 === 0x37;
    if (low && text.charCodeAt(place - 1) >> 10 === 0x36) place--;
  }
  return place < 0 ? text.length + 1 : place;
}
