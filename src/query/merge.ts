/** Merges streams that are each in order into one, lazily. Ties keep the order of the streams. */
export function* mergeOrdered<T>(
  streams: readonly Iterable<T>[],
  compare: (left: T, right: T) => number,
): Generator<T, void> {
  if (streams.length === 1) return yield* streams[0] as Iterable<T>;
  const iterators = streams.map((stream) => stream[Symbol.iterator]());
  try {
    yield* mergeIterators(iterators, compare);
  } finally {
    for (const iterator of iterators) iterator.return?.();
  }
}

function* mergeIterators<T>(
  iterators: readonly Iterator<T>[],
  compare: (left: T, right: T) => number,
): Generator<T, void> {
  const heads = iterators.map((iterator) => iterator.next());
  for (;;) {
    let least = -1;
    for (const [at, head] of heads.entries()) {
      if (head.done) continue;
      const best = heads[least];
      if (!best || compare(head.value, best.value as T) < 0) least = at;
    }
    if (least < 0) return;
    yield (heads[least] as IteratorResult<T>).value;
    heads[least] = (iterators[least] as Iterator<T>).next();
  }
}
