import type { NewDocument } from '../../base/document.js';
import { JdbxError } from '../../base/errors.js';
import { describeType, isPlainObject } from '../../base/values.js';
import type { ImportOptions, Row } from './contract.js';

/**
 * The document that a row stands for: `_type` and `_id` filled in as the options say, and
 * `_rev` left out unless it is to be checked.
 *
 * @throws {JdbxError} INVALID_DOCUMENT
 */
export function toDocument(row: Row, options: ImportOptions): NewDocument {
  const { value } = row;
  if (!isPlainObject(value)) refuse('', `expected an object, got ${describeType(value)}`);
  const { _rev, ...rest } = value;
  const _type = rest._type ?? options.type;
  if (_type === undefined) refuse('_type', 'expected a _type in the text or the option "type"');
  const document = { ...rest, _type } as NewDocument;
  const _id = options.id === undefined ? rest._id : makeId(options.id, document, row.line);
  return {
    ...document,
    ...(_id === undefined ? {} : { _id: _id as string }),
    ...(options.checkRev && _rev !== undefined ? { _rev: _rev as number } : {}),
  };
}

function makeId(template: string, document: NewDocument, line: number): string {
  if (!template.includes('{')) return `${document._type}:${textAt(document, template)}`;
  return template.replace(/\{([^{}]+)\}/g, (_, path: string) =>
    path === '#' ? String(line) : textAt(document, path),
  );
}

function textAt(document: NewDocument, path: string): string {
  let value: unknown = document;
  for (const part of path.split('.')) {
    value = isPlainObject(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  }
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  refuse(path, `expected text or a number to make the _id of, got ${describeType(value)}`);
}

function refuse(path: string, text: string): never {
  throw new JdbxError('INVALID_DOCUMENT', text, { path });
}
