/** Prints a table for each work: the figure, and how many times it is that of ours and of the floor. */
const COLUMNS = {
  sequential: [
    ['a stage', 'stageMs', 'ms'],
    ['in a fresh process', 'freshMs', 'ms'],
  ],
  together: [['stages a second, 128 runs', 'stagesPerSecond', '/s']],
  history: [
    ['on disk', 'diskBytes', 'MB'],
    ['early stage', 'earlyMs', 'ms'],
    ['last stages', 'lateMs', 'ms'],
    ['last ÷ early', 'lateOverEarly', '×'],
  ],
  flight: [
    ['10,000 runs in', 'seconds', 's'],
    ['finished', 'finished', 'runs'],
    ['heap a run', 'heapBytesARun', 'B'],
    ['resident a run', 'residentBytesARun', 'B'],
    ['added p50', 'addedP50Ms', 'ms'],
    ['added p99', 'addedP99Ms', 'ms'],
  ],
  program: [
    ['stage, disk', 'stageMs', 'ms'],
    ['last ÷ early', 'lateOverEarly', '×'],
    ['replayed stage', 'replayMs', 'ms'],
    ['stage, memory', 'memoryStageMs', 'ms'],
    ['last ÷ early', 'memoryLateOverEarly', '×'],
    ['replayed stage', 'memoryReplayMs', 'ms'],
  ],
  resume: [
    ['opened in', 'openMs', 'ms'],
    ['all started in', 'startedMs', 'ms'],
    ['resumed', 'resumed', 'runs'],
  ],
};

export function printTables(measures, stages) {
  for (const [work, columns] of Object.entries(COLUMNS)) {
    const rows = measures.filter((measure) => measure.work === work);
    if (rows.length === 0) continue;
    const title = work === 'history' ? `${work}: ${stages} stages, 2 KB of new history each` : work;
    console.log(`\n${title}`);
    print([headOf(columns), ...rows.map((row) => rowOf(row, rows, columns))]);
  }
}

function headOf(columns) {
  return ['', ...columns.map(([title]) => title), 'times jdbx', 'times raw LMDB'];
}

function rowOf({ subject, figures, missing }, rows, columns) {
  if (!figures) return [subject, missing ?? ''];
  const [, first] = columns[0];
  const against = (name) => {
    const other = rows.find((row) => row.subject === name)?.figures?.[first];
    return other === undefined ? '' : `${short(figures[first] / other)} ×`;
  };
  const cells = columns.map(([, name, unit]) => shown(figures[name], unit));
  return [subject, ...cells, against('jdbx'), against('raw-lmdb')];
}

function shown(value, unit) {
  return unit === 'MB' ? `${short(value / 1e6)} MB` : `${short(value)} ${unit}`;
}

function print(rows) {
  const widths = rows[0].map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  for (const row of rows) {
    console.log(
      row
        .map((cell, at) => (at === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[at])))
        .join('   ')
        .trimEnd(),
    );
  }
}

/** Three figures that count. */
function short(number) {
  return number >= 100 ? String(Math.round(number)) : number.toPrecision(3);
}
