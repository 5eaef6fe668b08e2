/** Prints measures as a table: the median, the range of the rounds, how many times slower than the floor. */
export function printTable(measures) {
  const rows = measures.map(({ name, unit, median, values, timesFloor }) => {
    const [scale, shown] = unit === 'µs' && median >= 1_000 ? [1_000, 'ms'] : [1, unit];
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return [
      name,
      `${short(median / scale)} ${shown}`,
      `${short(least / scale)} – ${short(most / scale)}`,
      timesFloor === undefined ? '' : `${timesFloor.toFixed(2)} ×`,
    ];
  });
  const all = [['what', 'median', 'range', 'its floor'], ...rows];
  const widths = all[0].map((_, at) => Math.max(...all.map((row) => row[at].length)));
  for (const [at, row] of all.entries()) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
    );
    console.log(cells.join('   ').trimEnd());
    if (at === 0) console.log(widths.map((width) => '─'.repeat(width)).join('   '));
  }
}

/** Three figures that count. */
function short(number) {
  if (number >= 100) return String(Math.round(number));
  return number.toPrecision(3);
}
