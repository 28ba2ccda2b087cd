const { CI, COUNTERSIGN_MUTATIONS, COUNTERSIGN_MUTATION_SEED } = process.env;

/** How many wrong copies a test tries. */
export const MUTATIONS = Number(COUNTERSIGN_MUTATIONS ?? (CI === undefined ? 1_000 : 10_000));
/** Of a run that is to be repeated. */
export const SEED = Number(COUNTERSIGN_MUTATION_SEED ?? Date.now() % 2 ** 31);

export type Random = (below: number) => number;

/** Numbers that a seed gives again (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Mutation = (bytes: Uint8Array, random: Random) => readonly number[];

const MUTATIONS_OF_BYTES: readonly Mutation[] = [
  function bitFlipped(bytes, random) {
    const copy = [...bytes];
    const at = random(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << random(8));
    return copy;
  },
  function byteReplaced(bytes, random) {
    const copy = [...bytes];
    copy[random(copy.length)] = random(256);
    return copy;
  },
  function byteInserted(bytes, random) {
    return [...bytes].toSpliced(random(bytes.length + 1), 0, random(256));
  },
  function bytesRemoved(bytes, random) {
    return [...bytes].toSpliced(random(bytes.length), 1 + random(40));
  },
  function cutShort(bytes, random) {
    return [...bytes.subarray(0, random(bytes.length))];
  },
  function runsSwapped(bytes, random) {
    const length = 1 + random(32);
    const [one, other] = [random(bytes.length - length), random(bytes.length - length)];
    const copy = [...bytes];
    copy.splice(one, length, ...bytes.subarray(other, other + length));
    copy.splice(other, length, ...bytes.subarray(one, one + length));
    return copy;
  },
];

/** A copy that differs from these bytes, and how it was made. */
export function mutated(
  bytes: Uint8Array,
  random: Random,
): { readonly how: string; readonly bytes: Uint8Array } {
  for (;;) {
    const mutate = MUTATIONS_OF_BYTES[random(MUTATIONS_OF_BYTES.length)];
    const copy = new Uint8Array(mutate?.(bytes, random) ?? []);
    if (!Buffer.from(copy).equals(bytes)) return { how: mutate?.name ?? '', bytes: copy };
  }
}
