/** Prints rows as a table: `columns` maps a heading to the cell of a row. Numbers stand right. */
export function printTable(rows, columns) {
  const headings = Object.keys(columns);
  const lines = rows.map((row) => headings.map((heading) => columns[heading](row)));
  const widths = headings.map((heading, at) =>
    Math.max(heading.length, ...lines.map((line) => String(line[at]).length)),
  );
  const print = (cells) =>
    console.log(`  ${cells.map((cell, at) => align(cell, widths[at])).join('  ')}`.trimEnd());
  print(headings);
  print(widths.map((width) => '─'.repeat(width)));
  for (const line of lines) print(line);
}

function align(cell, width) {
  return typeof cell === 'number' || /^[\d,.]+( %| ms| s)?$/.test(cell)
    ? String(cell).padStart(width)
    : String(cell).padEnd(width);
}

const LINE_EVERY_MS = { terminal: 100, piped: 3_000 };

/** Shows how far a job is: one live line on a terminal, a line every few seconds elsewhere. */
export function progressPrinter(what, output = process.stdout) {
  const every = output.isTTY ? LINE_EVERY_MS.terminal : LINE_EVERY_MS.piped;
  const startedAt = performance.now();
  let printedAt = startedAt;
  return ({ done, total }) => {
    const now = performance.now();
    if (now - printedAt < every && done < total) return;
    printedAt = now;
    const seconds = (now - startedAt) / 1_000;
    const rate = Math.round(done / seconds);
    const line = `${done} of ${total} ${what}, ${rate} a second, ${seconds.toFixed(1)} s`;
    const isLast = done === total;
    output.write(output.isTTY ? `\r${line}\u001b[K${isLast ? '\n' : ''}` : `${line}\n`);
  };
}
