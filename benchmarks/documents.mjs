/** Documents of about 500 bytes, the same at every run; ten of them share a `group`. */
export function makeDocument(n) {
  return {
    _id: `item:${String(n).padStart(8, '0')}`,
    _type: 'item',
    group: `group-${Math.floor(n / 10)}`,
    price: (n * 7_919) % 100_003,
    title: `Item number ${n}`,
    tags: ['alpha', 'beta', `tag-${n % 50}`],
    stock: { warehouse: n % 7, shelf: n % 300, count: n % 1_000 },
    text: 'The quick brown fox jumps over the lazy dog. '.repeat(7),
  };
}

export function* batchesOf(count, size) {
  for (let from = 0; from < count; from += size) {
    const length = Math.min(size, count - from);
    yield Array.from({ length }, (_, at) => makeDocument(from + at));
  }
}

export async function fill(store, count) {
  for (const batch of batchesOf(count, 1_000)) await store.insert(batch);
}

/** A whole number below `max`, scattered but the same at every run. */
export function scatter(n, max) {
  return Math.floor(((n * 0x9e3779b1) % 2 ** 32) * (max / 2 ** 32));
}
