/** Newline-delimited JSON: one item a line. */
export const NDJSON = "application/x-ndjson";
/** Characters of a part that is sent at once, as far as lines allow. */
const PART = 1 << 20;

/** Streams everything that `batches` has, a line each, as it comes. What fails before the first is thrown. */
export async function ndjson<T>(
  batches: AsyncIterable<readonly T[]>,
  textOf: (entry: T) => string,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  return new Response(await begun(lines(batches, textOf)), { headers });
}

async function* lines<T>(
  batches: AsyncIterable<readonly T[]>,
  textOf: (entry: T) => string,
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const batch of batches) {
    let text = "";
    for (const entry of batch) {
      text += `${textOf(entry).replaceAll("\n", " ")}\n`;
      if (text.length < PART) continue;
      yield encoder.encode(text);
      text = "";
    }
    if (text !== "") yield encoder.encode(text);
  }
}

/**
 * A body whose first part is there, so that an error comes in time for a status of its own. Parts are made as they are
 * read; a client that leaves ends them, whether it has read any or not.
 */
export async function begun(parts: AsyncGenerator<Uint8Array>): Promise<ReadableStream<Uint8Array>> {
  let first: IteratorResult<Uint8Array> | undefined = await parts.next();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const part = first ?? (await parts.next());
        first = undefined;
        if (part.done === true) controller.close();
        else controller.enqueue(part.value);
      },
      async cancel() {
        await parts.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
