import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A Python process that has imported all it needs and does one thing after the other. */
export interface Python {
  /** Calls a function of the script with JSON; `seconds` is the time of the call alone. */
  call(name: string, ...args: readonly string[]): Promise<{ readonly seconds: number; readonly result: unknown }>;
  close(): Promise<void>;
}

/** `name`: one of those in `bench/python`. */
export function startPython(program: string, name = "readers.py"): Python {
  const script = fileURLToPath(new URL(`python/${name}`, import.meta.url));
  const child: ChildProcess = spawn(program, [script], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    async call(name, ...args) {
      child.stdin!.write(`${JSON.stringify([name, ...args])}\n`);
      const line = await lines.next();
      if (line.done) throw new Error(`Python ended in ${name}`);
      return JSON.parse(line.value) as { seconds: number; result: unknown };
    },
    async close() {
      if (child.exitCode !== null) return;
      child.stdin!.end();
      await once(child, "exit");
    },
  };
}
