import type { Column } from './table.js';

/** What is said of a document that was written. */
export const writtenColumns: readonly Column<{
  readonly _id: string;
  readonly _type: string;
  readonly _rev: number;
}>[] = [
  { title: '_id', cell: ({ _id }) => _id },
  { title: '_type', cell: ({ _type }) => _type },
  { title: '_rev', cell: ({ _rev }) => String(_rev), right: true },
];
