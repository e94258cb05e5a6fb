/** Newline-delimited JSON: one item a line. */
export const NDJSON = "application/x-ndjson";

/** Streams everything that `batches` has, a line each, as it comes. */
export function ndjson<T>(
  request: Request,
  batches: AsyncIterable<readonly T[]>,
  shape: (entry: T) => object,
): Response {
  const headers = { "Content-Type": NDJSON, "Cache-Control": "no-cache", Vary: "Accept, Accept-Encoding" };
  if (request.method === "HEAD") return new Response(null, { headers });
  return new Response(ReadableStream.from(lines(batches, shape)), { headers });
}

async function* lines<T>(
  batches: AsyncIterable<readonly T[]>,
  shape: (entry: T) => object,
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const batch of batches) {
    if (batch.length > 0) yield encoder.encode(batch.map((entry) => `${JSON.stringify(shape(entry))}\n`).join(""));
  }
}
