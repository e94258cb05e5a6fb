/** An event is a few lines; more is none that a node sends. */
const MOST_CHARACTERS = 16 * 1024 * 1024;

/** Data of the events of a stream (WHATWG HTML 9.2), in order. Ends when the stream ends. */
export async function* eventData(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true }).replaceAll("\r", "");
      if (rest.length > MOST_CHARACTERS) throw new RangeError("an event of the node is too long");
      const events = rest.split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) {
        const lines = event.split("\n").filter((line) => line.startsWith("data:"));
        if (lines.length > 0) yield lines.map((line) => line.slice("data:".length).replace(/^ /, "")).join("\n");
      }
    }
  } finally {
    // Tells the node that nobody listens any more; a stream that has failed has nobody to tell.
    await reader.cancel().catch(() => undefined);
  }
}
