/**
 * The `count` least items in order, holding no more than that many at a time:
 * a heap with the greatest kept item on top. With no count, all of them.
 */
export function takeLeast<T>(
  items: Iterable<T>,
  count: number,
  compare: (left: T, right: T) => number,
): T[] {
  if (count === Number.POSITIVE_INFINITY) return [...items].sort(compare);
  const heap: T[] = [];
  for (const item of items) {
    if (heap.length < count) siftUp(heap, heap.push(item) - 1, compare);
    else if (count > 0 && compare(item, heap[0] as T) < 0) siftDown(heap, item, compare);
  }
  return heap.sort(compare);
}

function siftUp<T>(heap: T[], start: number, compare: (left: T, right: T) => number): void {
  const item = heap[start] as T;
  let at = start;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (compare(item, heap[parent] as T) <= 0) break;
    heap[at] = heap[parent] as T;
    at = parent;
  }
  heap[at] = item;
}

/** Puts `item` in place of the greatest. */
function siftDown<T>(heap: T[], item: T, compare: (left: T, right: T) => number): void {
  let at = 0;
  for (;;) {
    let child = at * 2 + 1;
    if (child >= heap.length) break;
    const other = child + 1;
    if (other < heap.length && compare(heap[other] as T, heap[child] as T) > 0) child = other;
    if (compare(heap[child] as T, item) <= 0) break;
    heap[at] = heap[child] as T;
    at = child;
  }
  heap[at] = item;
}
