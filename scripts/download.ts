import { execFileSync } from "node:child_process";

const ATTEMPTS = 4;
const LONGEST_MS = 15 * 60_000;
const PAUSE_MS = 10_000;

/** Runs a program that fetches something: networks break off and stall, so it is begun again a few times. */
export function download(program: string, args: readonly string[], cwd?: string): void {
  for (let left = ATTEMPTS; ; left--) {
    console.log(`$ ${program} ${args.join(" ")}`);
    try {
      execFileSync(program, args, { cwd, stdio: "inherit", timeout: LONGEST_MS, killSignal: "SIGKILL" });
      return;
    } catch (error) {
      if (left === 1) throw error;
      console.error(`${(error as Error).message}; once more in ${PAUSE_MS / 1000} s`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}
