import { JdbxError } from '../../base/errors.js';
import { isPlainObject } from '../../base/values.js';

/** What `2dsphere` and `2d` indexes let a document hold. GeoJSON: RFC 7946. */

type Position = readonly [number, number];

/** @throws {JdbxError} INVALID_DOCUMENT for what is no geometry on the sphere */
export function checkSphere(value: unknown, path: string): void {
  if (value === undefined || value === null || isEmptyArray(value)) return;
  if (isLegacyPair(value) ? isOnSphere(pairOf(value)) : isGeometry(value)) return;
  refuseGeometry(path, '2dsphere', 'a GeoJSON geometry with longitude and latitude');
}

/** @throws {JdbxError} INVALID_DOCUMENT for what is no pair of numbers within the bounds */
export function checkPlane(value: unknown, path: string, min: number, max: number): void {
  if (value === undefined || value === null || isEmptyArray(value)) return;
  const points = Array.isArray(value) && !isNumber(value[0]) ? value : [value];
  const within = (number: number) => number >= min && number < max;
  if (points.every((point) => isLegacyPair(point) && pairOf(point).every(within))) return;
  refuseGeometry(path, '2d', `a pair of numbers from ${min} to ${max}`);
}

function refuseGeometry(path: string, index: string, expected: string): never {
  throw new JdbxError('INVALID_DOCUMENT', `expected ${expected}`, { path, details: { index } });
}

function isEmptyArray(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

/** `[x, y]` or `{ any: x, names: y }`; GeoJSON has a type and is none. */
function isLegacyPair(value: unknown): value is readonly number[] | Record<string, number> {
  const numbers = Array.isArray(value) ? value : isPlainObject(value) ? Object.values(value) : [];
  return numbers.length >= 2 && numbers.slice(0, 2).every(isNumber);
}

function pairOf(value: readonly number[] | Record<string, number>): Position {
  const [x, y] = Object.values(value);
  return [x as number, y as number];
}

function isOnSphere([longitude, latitude]: Position): boolean {
  return Math.abs(longitude) <= 180 && Math.abs(latitude) <= 90;
}

function isPosition(value: unknown): value is Position {
  return Array.isArray(value) && isLegacyPair(value) && isOnSphere(pairOf(value));
}

const SHAPES: Readonly<Record<string, (coordinates: unknown) => boolean>> = {
  Point: isPosition,
  MultiPoint: (all) => isListOf(all, isPosition),
  LineString: isLine,
  MultiLineString: (all) => isListOf(all, isLine),
  Polygon: isPolygon,
  MultiPolygon: (all) => isListOf(all, isPolygon),
};

function isGeometry(value: unknown): boolean {
  if (!isPlainObject(value) || typeof value.type !== 'string') return false;
  if (value.crs !== undefined && !isKnownSystem(value.crs)) return false;
  if (value.type === 'GeometryCollection') return isListOf(value.geometries, isGeometry);
  return Object.hasOwn(SHAPES, value.type) && SHAPES[value.type]?.(value.coordinates) === true;
}

/** Names of the one system of coordinates that an index knows. */
const SYSTEMS = new Set(['EPSG:4326', 'urn:ogc:def:crs:OGC:1.3:CRS84']);

function isKnownSystem(crs: unknown): boolean {
  if (!isPlainObject(crs) || !isPlainObject(crs.properties)) return false;
  return crs.type === 'name' && SYSTEMS.has(crs.properties.name as string);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isItem);
}

function isLine(value: unknown): value is readonly Position[] {
  return isListOf(value, isPosition) && new Set((value as Position[]).map(String)).size >= 2;
}

/** Rings that close, of three corners at least, and do not cross themselves. */
function isPolygon(value: unknown): boolean {
  return isListOf(value, (ring) => isLine(ring) && isRing(ring));
}

function isRing(ring: readonly Position[]): boolean {
  const corners = ring.slice(1);
  if (String(ring[0]) !== String(ring.at(-1))) return false;
  return (
    new Set(corners.map(String)).size === corners.length && corners.length >= 3 && !crosses(ring)
  );
}

/** Two edges that do not touch by being neighbours must not meet; edges are taken for straight. */
function crosses(ring: readonly Position[]): boolean {
  const last = ring.length - 2;
  for (let a = 0; a < last; a++) {
    for (let b = a + 2; b <= last; b++) {
      if (a === 0 && b === last) continue;
      if (
        meet(
          ring[a] as Position,
          ring[a + 1] as Position,
          ring[b] as Position,
          ring[b + 1] as Position,
        )
      )
        return true;
    }
  }
  return false;
}

function meet(a: Position, b: Position, c: Position, d: Position): boolean {
  return turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0;
}

/** Positive when the way from a over b to c turns left. */
function turn(a: Position, b: Position, c: Position): number {
  return Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
}
