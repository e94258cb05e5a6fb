/** A small generator of repeatable noise (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A copy with a few bytes changed, or cut off, or a run of them set to one value. */
export function damaged(bytes: Uint8Array, random: () => number): Uint8Array {
  const copy = bytes.slice();
  const at = (): number => Math.floor(random() * copy.length);
  const kind = random();
  if (kind < 0.15) return copy.subarray(0, at());
  if (kind < 0.35) {
    const start = at();
    copy.fill(random() < 0.5 ? 0xff : 0x00, start, start + 1 + Math.floor(random() * 8));
    return copy;
  }
  for (let n = 1 + Math.floor(random() * 4); n > 0; n--) copy[at()] = Math.floor(random() * 256);
  return copy;
}
