/** Prints one line a row: our figure, each rival's, the ratio against the judge, the aim. */
export function printTable(rows, rivals) {
  const head = ['', 'jdbx', ...rivals, 'ratio', 'aim', ''];
  const lines = rows.map((row) => [
    row.figure.replace(/, (bytes|ms|times)$/, ''),
    show(row.jdbx, row.unit),
    ...rivals.map((rival) => show(row.rivals[rival], row.unit)),
    row.ratio === undefined ? '' : `${short(row.ratio)}×`,
    row.aim ?? '',
    row.met === undefined ? '' : row.met ? 'met' : 'missed',
  ]);
  const widths = head.map((cell, at) =>
    Math.max(cell.length, ...lines.map((line) => line[at].length)),
  );
  const print = (line) =>
    console.log(
      `| ${line.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join(' | ')} |`,
    );
  print(head);
  console.log(
    `|${widths.map((width, at) => (at === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`,
  );
  lines.forEach(print);
}

function show(figure, unit) {
  if (figure === undefined) return '–';
  if (unit === 'bytes') return `${short(figure / 2 ** 20)} MiB`;
  if (unit) return `${short(figure)} ${unit}`;
  if (figure >= 1e6) return `${short(figure / 1e6)}M/s`;
  return figure >= 1e4 ? `${short(figure / 1e3)}k/s` : `${short(figure)}/s`;
}

/** Three figures that count. */
function short(number) {
  return number >= 100 ? String(Math.round(number)) : String(Number(number.toPrecision(3)));
}
