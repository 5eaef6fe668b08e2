import type { ImportProgress } from '../documents/transfer/contract.js';
import type { Jdbx } from '../jdbx.js';
import type { RunEvents } from '../pipelines/events.js';
import { showBytes, showDuration } from './figures.js';
import type { Output } from './output.js';

const MARKS = {
  done: '✓',
  skipped: '–',
  continued: '!',
  failed: '✗',
  stopped: '■',
  waiting: '…',
} as const;

/** Tells people of each stage as it ends. Returns the way to stop. */
export function showStages(db: Jdbx, output: Output): () => void {
  const onStart = ({ run, pipeline, resumed }: RunEvents['run-start'][0]) =>
    output.note(`${resumed ? 'going on with' : 'running'} ${pipeline} as ${run}`);
  const onStage = ({ run, path, status, durationMs }: RunEvents['stage-end'][0]) => {
    // A child run is named by its parent's id and the stage that called it.
    const place = [...run.split('/').slice(1), path].join('/');
    output.note(`  ${MARKS[status]} ${place}  ${showDuration(durationMs)}`);
  };
  db.events.on('run-start', onStart);
  db.events.on('stage-end', onStage);
  return () => {
    db.events.off('run-start', onStart);
    db.events.off('stage-end', onStage);
  };
}

/** How often the line is written anew, in milliseconds. */
const LINE_MS = 100;

/** What the line of an import says. */
export function showImport({ phase, documents, bytes, totalBytes }: ImportProgress): string {
  const share = totalBytes ? ` ${Math.floor((bytes / totalBytes) * 100)} %` : '';
  const verb = phase === 'check' ? 'checked' : 'written';
  return `${documents} documents ${verb}, ${showBytes(bytes)}${share}`;
}

/** One line that is written over itself while work goes on. */
export class StatusLine {
  readonly #output: Output;
  #shownAt = Number.NEGATIVE_INFINITY;
  #text = '';

  constructor(output: Output) {
    this.#output = output;
  }

  show(text: string): void {
    this.#text = text;
    if (performance.now() - this.#shownAt >= LINE_MS) this.#write('');
  }

  /** Leaves the line as it last was, and the cursor under it. */
  end(): void {
    if (this.#text !== '') this.#write('\n');
  }

  #write(after: string): void {
    if (!this.#output.watched || !process.stderr.isTTY) return;
    this.#shownAt = performance.now();
    // Back to the start, and clear what was there.
    process.stderr.write(`\r\u001b[K${this.#text}${after}`);
  }
}
