import { writeSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { caseOf, failureOf, kindOf, type Patch, shrunk } from "./cases.ts";
import { targetOf } from "./targets.ts";

/** What a worker tells: it begins a case, it found a failure, it is done. One line of JSON each on descriptor 3. */
export type Report =
  | { readonly begins: number }
  | {
      readonly fails: number;
      readonly reason: string;
      readonly stack: string;
      readonly base: string;
      readonly patches: readonly Patch[];
    }
  | { readonly done: number };

const [name, seed, first, count, until] = process.argv.slice(2);
const target = targetOf(name!);
// Synchronous, so that the last line stands even when the case never returns.
const tell = (report: Report): number => writeSync(3, `${JSON.stringify(report)}\n`);

// A promise that nobody waits for is a failure of the case that it arises in.
let current = 0;
const stray = (error: unknown): void => {
  const { stack = "" } = error as Error;
  tell({ fails: current, reason: `not awaited: ${String(error)}`, stack, base: "", patches: [] });
};
process.on("unhandledRejection", stray);

const known = new Set<string>();
const end = Number(first) + Number(count);
for (current = Number(first); current < end && Date.now() < Number(until); current++) {
  tell({ begins: current });
  const attempt = caseOf(target, Number(seed), current);
  const failure = await failureOf(target, attempt.input);
  // Until then a promise that nobody waits for has not been noticed.
  await setImmediate();
  if (failure === undefined || known.has(kindOf(failure))) continue;
  known.add(kindOf(failure));
  const patches = await shrunk(target, attempt, failure);
  tell({ fails: current, reason: failure.reason, stack: failure.stack ?? "", base: attempt.base.name, patches });
}
tell({ done: current });
process.exit(0);
