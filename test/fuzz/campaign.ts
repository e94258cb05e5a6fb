import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { caseOf, patchesOf, type Regression } from "./cases.ts";
import type { Target } from "./target.ts";
import type { Report } from "./worker.ts";

export interface CampaignOptions {
  readonly seed: number;
  /** The first case; others follow it. */
  readonly first?: number;
  readonly cases: number;
  /** Milliseconds after which no new case begins. */
  readonly time: number;
  /** Milliseconds of computing that one case may take. The slowest honest ones take some hundreds. */
  readonly longest?: number;
}

export interface Found extends Regression {
  readonly n: number;
  readonly stack: string;
}

export interface Result {
  readonly target: string;
  readonly runs: number;
  readonly found: readonly Found[];
}

const WORKER = fileURLToPath(new URL("worker.ts", import.meta.url));
const LONGEST_CASE = 20_000;
/** Before the first case modules and fixtures are loaded. */
const LONGEST_START = 60_000;
/** Times as long may pass by the clock: a case that only waits computes nothing. */
const PATIENCE = 20;
const MOST_MEMORY = 1024 * 1024 * 1024;
const HEAP = 512;
const MOST_RESTARTS = 20;

/** Damaged inputs for one parser, in a child process that is watched: it may neither hang nor take memory. */
export async function fuzz(target: Target, options: CampaignOptions): Promise<Result> {
  const until = Date.now() + options.time;
  const longest = options.longest ?? LONGEST_CASE;
  const found: Found[] = [];
  const first = options.first ?? 0;
  let next = first;
  for (let restarts = 0; next < first + options.cases && Date.now() < until; restarts++) {
    const { last, cause } = await runWorker(
      target,
      options.seed,
      next,
      first + options.cases - next,
      until,
      longest,
      found,
    );
    next = last + 1;
    if (cause === undefined) break;
    const { base, input } = caseOf(target, options.seed, last);
    const patches = patchesOf(base.input, input);
    found.push({ target: target.name, base: base.name, patches, was: cause, n: last, stack: "" });
    if (restarts >= MOST_RESTARTS) break;
  }
  return { target: target.name, runs: next - first, found };
}

interface Ended {
  readonly last: number;
  /** Why it did not end by itself. */
  readonly cause?: string;
}

function runWorker(
  target: Target,
  seed: number,
  first: number,
  count: number,
  until: number,
  longest: number,
  found: Found[],
): Promise<Ended> {
  const args = [`--max-old-space-size=${HEAP}`, WORKER, target.name, ...[seed, first, count, until].map(String)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit", "pipe"] });
  let last = first;
  let since = Date.now() + LONGEST_START;
  let worked = LONGEST_START;
  let cause: string | undefined;
  let isDone = false;
  const { promise, resolve } = Promise.withResolvers<Ended>();
  const watch = setInterval(() => {
    const memory = residentBytes(child.pid);
    if (memory > MOST_MEMORY) cause = `took ${memory} bytes of memory`;
    else if (workMs(child.pid) - worked > longest || Date.now() - since > longest * PATIENCE) {
      cause = `did not end within ${longest} ms`;
    }
    if (cause !== undefined) child.kill("SIGKILL");
  }, 50);
  createInterface({ input: child.stdio[3] as Readable }).on("line", (line) => {
    const report = JSON.parse(line) as Report;
    [since, worked] = [Date.now(), workMs(child.pid)];
    if ("begins" in report) last = report.begins;
    else if ("done" in report) [isDone, last] = [true, report.done - 1];
    else {
      const { fails, reason, stack, base, patches } = report;
      found.push({ target: target.name, base, patches, was: reason, n: fails, stack });
    }
  });
  child.on("close", (code, signal) => {
    clearInterval(watch);
    cause ??= isDone ? undefined : `ended the process (${signal ?? code})`;
    resolve({ last, ...(cause === undefined ? {} : { cause }) });
  });
  return promise;
}

/** Milliseconds that a process has been computing; 0 where the system does not say. */
function workMs(pid: number | undefined): number {
  try {
    // proc(5): user and system time are 14th and 15th, the name in parentheses is the 2nd; in hundredths of a second.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\)/s, "").split(" ").map(Number);
    return ((fields[12] ?? 0) + (fields[13] ?? 0)) * 10;
  } catch {
    return 0;
  }
}

/** 0 where the system does not say. */
function residentBytes(pid: number | undefined): number {
  try {
    const [, pages = 0] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ").map(Number);
    return pages * 4096;
  } catch {
    return 0;
  }
}
