import type { TestEvent } from "node:test/reporters";

/** A reporter of `node --test` that says what was skipped, and why: one JSON line each. */
export default async function* skips(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const { skip, todo, name } = event.data;
    const reason = skip ?? todo;
    if (reason !== undefined && reason !== false) yield `${JSON.stringify({ name, reason })}\n`;
  }
}
