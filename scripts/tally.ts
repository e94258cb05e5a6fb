import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";

/** What `scripts/test.ts` reads: a test that was skipped and why, or one that ran in a contract suite. */
export type Tally =
  | { readonly skipped: string; readonly reason: string }
  /** File, and the implementation that the suite ran over. */
  | { readonly contract: string };

/** A reporter of `node --test`: one `Tally` as JSON a line. */
export default async function* tally(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  /** Leaf tests of a file whose suite has not ended yet. */
  const open = new Map<string, number>();
  for await (const event of source) {
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const { skip, todo, name, nesting, details, file = "" } = event.data;
    const reason = skip ?? todo;
    if (reason !== undefined && reason !== false) {
      yield line({ skipped: name, reason: reason === true ? "no reason given" : String(reason) });
      continue;
    }
    if (!/contract/.test(file)) continue;
    // Tests of a large contract are in a folder of its name.
    const path = relative(process.cwd(), file).replace(/^(test\/contract\/[^/]+)\/.*$/, "$1.ts");
    if (details.type !== "suite" && nesting > 0) open.set(path, (open.get(path) ?? 0) + 1);
    if (nesting > 0) continue;
    // A suite is named by its implementation; a test outside of one begins with it.
    const implementation = details.type === "suite" ? name : name.split(":")[0];
    const count = details.type === "suite" ? (open.get(path) ?? 0) : 1;
    open.delete(path);
    for (let i = 0; i < count; i++) yield line({ contract: `${path} ${implementation}` });
  }
}

function line(entry: Tally): string {
  return `${JSON.stringify(entry)}\n`;
}
