import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Pool } from "../../db/database.ts";
import { GyreError } from "../../errors.ts";
import { Wake } from "../../log/wake.ts";
import type { AnyStep, QueueSpec } from "../flow.ts";
import { Batch } from "./batch.ts";
import type { Bell } from "./bell.ts";
import { type Claimed, claim, isShared, release, waitingQueues } from "./claim.ts";
import { insist } from "./patience.ts";
import { StepRun } from "./step-run.ts";
import { type EndedTry, endTries, keepTold, type Told } from "./try-rows.ts";

export interface StepWorkerOptions {
  readonly pool: Pool;
  readonly bell: Bell;
  /** Of this process. */
  readonly id: string;
  readonly steps: ReadonlyMap<string, AnyStep>;
  readonly queues: readonly QueueSpec[];
  readonly concurrency: number;
  readonly recycleAfter: number;
  /** Resident bytes for each of `concurrency`; a process that has more takes no work until it is started anew. */
  readonly memoryBytes: number;
  readonly scratch: string;
  readonly closing: AbortSignal;
  onError(error: unknown): void;
}

/** How often queues are looked at when nobody told of work: for tries that wait for their time. */
const POLL_MS = 1_000;
/** How often what tries told is kept. */
const TELL_MS = 300;
const ENDS_AT_ONCE = 200;
/** Who stops several runs takes their parts in another order than those who tell of them. */
const DEADLOCKS = { retries: 5 };
/** Ends that may wait to be written, for each step at once: a database that is slow holds work back. */
const MOST_ENDING = 4;

interface Ended {
  readonly ended: EndedTry;
  readonly told: Told | undefined;
}

/** Runs steps of some queues, so many at once. */
export class StepWorker {
  readonly #options: StepWorkerOptions;
  readonly #folder: string;
  readonly #running = new Map<string, StepRun>();
  readonly #wake = new Wake();
  readonly #ends: Batch<Ended>;
  /** Tries whose end is being written. */
  readonly #ending = new Set<string>();
  /** A claim failed: what it took may be taken, and only its answer lost. */
  #isDoubtful = false;
  /** Queues that may have work. */
  readonly #due = new Set<string>();
  readonly #recycled = Promise.withResolvers<string>();
  #taken = 0;
  #worn: string | undefined;
  #isDraining = false;
  #taking: Promise<void> = Promise.resolve();
  #telling: Promise<void> = Promise.resolve();
  /** What tries told so far is kept when it resolves. */
  #kept: Promise<void> = Promise.resolve();

  constructor(options: StepWorkerOptions) {
    this.#options = options;
    this.#folder = join(options.scratch, options.id);
    const { pool, bell } = options;
    this.#ends = new Batch(ENDS_AT_ONCE, async (ends) => {
      const told = ends.flatMap((end) => end.told ?? []);
      if (told.length > 0) await keepTold(pool, pool.schema, told);
      await endTries(
        pool,
        bell,
        ends.map(({ ended }) => ended),
      );
    });
  }

  /** Resolves with the reason when the process should be started anew; nothing of it runs then. */
  get recycled(): Promise<string> {
    return this.#recycled.promise;
  }

  async prepare(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
  }

  start(): void {
    this.#taking = this.#takeLoop();
    this.#telling = this.#tellLoop();
  }

  /** Work waits in a queue; in any of them when none is told. */
  ring(queue?: string): void {
    if (queue === undefined) for (const { name } of this.#options.queues) this.#due.add(name);
    else if (this.#options.queues.some(({ name }) => name === queue)) this.#due.add(queue);
    else return;
    this.#wake.ring();
  }

  /** Stops the tries of a run that are no longer this worker's: all that `kept` does not name. */
  stopOthers(kept: ReadonlySet<string>, before: ReadonlySet<string>): void {
    for (const [id, step] of this.#running)
      if (before.has(id) && !kept.has(id)) step.stop(new GyreError("Conflict", "The run was cancelled"));
  }

  /** Tries that are under way. */
  tries(run?: string): ReadonlySet<string> {
    const tries = [...this.#running].filter(([, { claimed }]) => run === undefined || claimed.run === run);
    return new Set(tries.map(([id]) => id));
  }

  /** Takes no more, waits so long for what runs, and gives back what still does. */
  async close(drainMs: number): Promise<void> {
    this.#isDraining = true;
    this.#wake.ring();
    // What was being taken just now runs as well.
    await this.#taking;
    const deadline = Date.now() + drainMs;
    while (this.#running.size > 0 && Date.now() < deadline)
      await this.#wake.after(this.#wake.version, undefined, deadline - Date.now());
    for (const step of this.#running.values()) step.giveBack();
    const { closing } = this.#options;
    while (this.#running.size + this.#ending.size > 0 && !closing.aborted)
      await this.#wake.after(this.#wake.version, closing);
    await this.#telling;
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #takeLoop(): Promise<void> {
    const { closing, id, onError, pool, queues } = this.#options;
    const names = queues.map(({ name }) => name);
    let looked = 0;
    while (!this.#isDraining && !closing.aborted) {
      const { version } = this.#wake;
      try {
        if (this.#isDoubtful) await release(pool, id, [...this.#running.keys(), ...this.#ending]);
        this.#isDoubtful = false;
        if (Date.now() - looked >= POLL_MS) {
          for (const queue of await waitingQueues(pool, names)) this.#due.add(queue);
          looked = Date.now();
          this.#wear();
        }
        for (const queue of queues) if (this.#due.has(queue.name)) await this.#takeFrom(queue);
      } catch (error) {
        this.#isDoubtful = true;
        onError(error);
      }
      if (this.#worn !== undefined && this.#running.size + this.#ending.size === 0) this.#recycled.resolve(this.#worn);
      await this.#wake.after(version, undefined, POLL_MS);
    }
  }

  async #takeFrom(queue: QueueSpec): Promise<void> {
    const { pool, id, concurrency, recycleAfter } = this.#options;
    const inQueue = [...this.#running.values()].filter(({ claimed }) => claimed.queue === queue.name).length;
    const room = Math.min(
      concurrency - this.#running.size,
      MOST_ENDING * concurrency - this.#ending.size,
      (queue.perWorker ?? Number.POSITIVE_INFINITY) - inQueue,
      recycleAfter - this.#taken,
    );
    if (room <= 0 || this.#worn !== undefined) return;
    this.#due.delete(queue.name);
    const claimed = await claim(pool, queue, id, room);
    if (claimed.length === room) this.#due.add(queue.name);
    this.#taken += claimed.length;
    for (const one of claimed) void this.#run(one);
    if (this.#taken >= recycleAfter) this.#worn = `It has run ${this.#taken} steps`;
  }

  async #run(claimed: Claimed): Promise<void> {
    const { steps, queues, closing, onError } = this.#options;
    const step = new StepRun(claimed, this.#folder);
    this.#running.set(claimed.try, step);
    const ended = await step.run(steps.get(claimed.name));
    this.#running.delete(claimed.try);
    this.#ending.add(claimed.try);
    this.#wake.ring();
    const told = step.told();
    const isLimited = queues.some((queue) => queue.name === claimed.queue && isShared(queue));
    await this.#kept;
    await insist(closing, () => this.#ends.add({ ended: { ...ended, isLimited }, told })).catch(onError);
    this.#ending.delete(claimed.try);
    this.#wake.ring();
  }

  async #tellLoop(): Promise<void> {
    const { closing, pool, onError } = this.#options;
    while (!closing.aborted && (!this.#isDraining || this.#running.size > 0)) {
      const told = [...this.#running.values()].flatMap((one) => one.told() ?? []);
      const keep = (): Promise<void> => pool.transaction((tx) => keepTold(tx, pool.schema, told), DEADLOCKS);
      if (told.length > 0) this.#kept = keep().catch(onError);
      await this.#kept;
      await new Promise((resolve) => setTimeout(resolve, TELL_MS));
    }
  }

  #wear(): void {
    const { memoryBytes, concurrency } = this.#options;
    const { rss } = process.memoryUsage;
    if (this.#worn === undefined && rss() > memoryBytes * concurrency)
      this.#worn = `It holds more than ${memoryBytes * concurrency} bytes of memory`;
  }
}
