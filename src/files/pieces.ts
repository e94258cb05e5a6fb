/** A stream cut into pieces of exactly `bytes`, the last one shorter; holds one piece at a time. */
export async function* inPieces(
  stream: ReadableStream<Uint8Array>,
  bytes: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, undefined> {
  const reader = stream.getReader();
  const cancel = (): void => void reader.cancel(signal?.reason).catch(() => undefined);
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    let piece = new Uint8Array(bytes);
    let filled = 0;
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await reader.read();
      if (done) break;
      for (let taken = 0; taken < value.byteLength; ) {
        const part = value.subarray(taken, taken + bytes - filled);
        piece.set(part, filled);
        taken += part.byteLength;
        filled += part.byteLength;
        if (filled === bytes) {
          yield piece;
          piece = new Uint8Array(bytes);
          filled = 0;
        }
      }
    }
    signal?.throwIfAborted();
    if (filled > 0) yield piece.subarray(0, filled);
  } finally {
    signal?.removeEventListener("abort", cancel);
    cancel();
  }
}

export async function* startingWith<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield first;
  yield* rest;
}
