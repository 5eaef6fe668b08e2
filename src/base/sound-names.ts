/**
 * Short names of properties in which nothing is at fault. They are few and come again and again,
 * unless they are data, so each is looked at once.
 */
const sound = new Set<string>();
const NAMES_MAX = 2_000;
const LENGTH_MAX = 80;

/** True of a name that any document may hold; false of one that has to be looked at. */
export function isSoundName(name: string): boolean {
  return sound.has(name) || (isSound(name) && keep(name));
}

function isSound(name: string): boolean {
  const isShort = name.length <= LENGTH_MAX && name !== '__proto__';
  return isShort && name.isWellFormed() && !name.includes('\0');
}

function keep(name: string): boolean {
  if (sound.size === NAMES_MAX) sound.clear();
  sound.add(name);
  return true;
}
