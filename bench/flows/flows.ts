import { z } from "zod";
import type { Flow, Step } from "../../src/flows/flow.ts";

const NUMBER = z.number();

function step(name: string, run: (n: number) => number): Step<number, number> {
  return { name, input: NUMBER, output: NUMBER, queue: "core", run: async (n) => run(n) };
}

const double = step("double", (n) => 2 * n);
const after = step("after", (n) => n + 1);
const begun = step("begun", () => performance.timeOrigin + performance.now());
const total: Step<readonly number[], number> = {
  name: "total",
  input: z.array(NUMBER).readonly(),
  output: NUMBER,
  queue: "core",
  run: async (numbers) => numbers.reduce((sum, n) => sum + n, 0),
};

function flow(about: Pick<Flow<number, number>, "name" | "steps" | "run">): Flow<number, number> {
  return { title: about.name, description: "", input: NUMBER, output: NUMBER, ...about };
}

/** So many steps at once, and one that has the results of all. */
export const CHORD = flow({
  name: "chord",
  steps: [double, total],
  async run(steps, context) {
    const started = [];
    for (let n = 0; n < steps; n++) started.push(await context.step(double, `${n}`, n));
    const results = [];
    for (const handle of started) results.push(await handle.get());
    return (await context.step(total, "total", results)).get();
  },
});

/** So many steps, each of which has the result of the one before. */
export const CHAIN = flow({
  name: "chain",
  steps: [after],
  async run(steps, context) {
    let n = 0;
    for (let i = 0; i < steps; i++) n = await (await context.step(after, `${i}`, n)).get();
    return n;
  },
});

/** One step, which tells when it began. */
export const BEGUN = flow({
  name: "begun",
  steps: [begun],
  run: async (n, context) => (await context.step(begun, "begun", n)).get(),
});
