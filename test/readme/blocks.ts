import { readFileSync } from 'node:fs';

/** A fenced code block of the README. */
export interface Block {
  readonly language: string;
  readonly code: string;
  /** Where it begins, for test names and errors. */
  readonly line: number;
  /** The heading that it stands under. */
  readonly heading: string;
}

export function readBlocks(path: URL): Block[] {
  const blocks: Block[] = [];
  let heading = '';
  let open: { language: string; line: number; lines: string[] } | undefined;
  readFileSync(path, 'utf8')
    .split('\n')
    .forEach((text, index) => {
      const fence = /^```(\w*)$/.exec(text);
      if (fence && open) {
        blocks.push({ ...open, heading, code: `${open.lines.join('\n')}\n` });
        open = undefined;
      } else if (fence) {
        open = { language: fence[1] ?? '', line: index + 1, lines: [] };
      } else if (open) open.lines.push(text);
      else heading = /^#+ (.*)$/.exec(text)?.[1] ?? heading;
    });
  return blocks;
}
