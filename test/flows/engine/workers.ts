import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { WorkerProcess } from "./worker-process.ts";

const PROGRAM = fileURLToPath(new URL("worker-process.ts", import.meta.url));

/** A worker in a process of its own. */
export class ForeignWorker {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>) {
    this.#child = child;
    this.#lines = lines;
  }

  /** Resolves when it works. */
  static async start(order: WorkerProcess): Promise<ForeignWorker> {
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify(order)], { stdio: ["ignore", "pipe", "inherit"] });
    assert.ok(child.stdout !== null);
    const worker = new ForeignWorker(child, createInterface(child.stdout)[Symbol.asyncIterator]());
    assert.equal(await worker.line(), "ready");
    return worker;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it says next; undefined at its end. */
  async line(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    return done === true ? undefined : value;
  }

  /** Resolves when it is gone. */
  async signal(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill(signal);
    await gone;
  }

  /** Resolves when it ended by itself. */
  async gone(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "exit");
  }
}
