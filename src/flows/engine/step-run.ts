import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Principal } from "../../core/principal.ts";
import { GyreError, isGyreError } from "../../errors.ts";
import type { AnyStep, Entity, Progress, Retry, StepContext } from "../flow.ts";
import type { Claimed } from "./claim.ts";
import { failureOf, isFinal } from "./failure.ts";
import { jsonText, MOST_OUTPUT, parse } from "./json.ts";
import type { EndedTry, Note, Told } from "./try-rows.ts";

/** Of one try; what is beyond is left out, and the log says so. */
const MOST_LINES = 1_000;
const MOST_ENTITIES = 10_000;
const LONGEST_LINE = 4_000;
const LONGEST_WAIT_MS = 30 * 24 * 3_600_000;
/** How long a step that was told to stop may take to clean up behind itself. */
const GRACE_MS = 10_000;

/** One try of a step. */
export class StepRun implements StepContext {
  readonly id: string;
  readonly attempt: number;
  readonly who: Principal;
  readonly signal: AbortSignal;
  readonly claimed: Claimed;
  readonly #stop = new AbortController();
  readonly #folder: string;
  #isGivenBack = false;
  #scratch: Promise<string> | undefined;
  #progress: Progress | undefined;
  #notes: Note[] = [];
  #lines = 0;
  #entities = 0;

  /** `folder`: of the worker. */
  constructor(claimed: Claimed, folder: string) {
    this.claimed = claimed;
    this.id = claimed.try;
    this.attempt = claimed.attempt;
    this.who = { subject: claimed.subject, roles: claimed.roles };
    this.signal = this.#stop.signal;
    this.#folder = folder;
    // A step may take them out of its context.
    this.scratch = this.scratch.bind(this);
    this.progress = this.progress.bind(this);
    this.log = this.log.bind(this);
    this.used = this.used.bind(this);
    this.generated = this.generated.bind(this);
  }

  scratch(): Promise<string> {
    this.#scratch ??= this.#makeFolder();
    return this.#scratch;
  }

  async #makeFolder(): Promise<string> {
    // A peer that took this worker for dead has removed it.
    await mkdir(this.#folder, { recursive: true });
    return mkdtemp(join(this.#folder, "try-"));
  }

  progress(state: Progress): void {
    const { percent, text, bytes, totalBytes } = state;
    this.#progress = {
      ...this.#progress,
      ...(isAmount(percent) && { percent: Math.min(percent, 100) }),
      ...(text !== undefined && { text: text.slice(0, LONGEST_LINE) }),
      ...(isAmount(bytes) && { bytes: Math.round(bytes) }),
      ...(isAmount(totalBytes) && { totalBytes: Math.round(totalBytes) }),
    };
  }

  log(message: string): void {
    if (++this.#lines > MOST_LINES) return;
    const line = this.#lines === MOST_LINES ? "More lines were left out" : message.slice(0, LONGEST_LINE);
    this.#notes.push({ kind: "log", time: new Date(), note: line });
  }

  used(entity: Entity): void {
    this.#note("used", entity);
  }

  generated(entity: Entity): void {
    this.#note("generated", entity);
  }

  /** Tells the step to stop: cancelled, or no longer this worker's. */
  stop(reason: Error): void {
    this.#stop.abort(reason);
  }

  /** Tells the step to stop, since its worker ends; another one tries it again. */
  giveBack(): void {
    this.#isGivenBack = true;
    this.stop(new GyreError("Busy", "The worker ends"));
  }

  /** What it told since it was asked last. */
  told(): Told | undefined {
    const { run, part, try: id, attempt } = this.claimed;
    const [progress, notes] = [this.#progress, this.#notes];
    if (progress === undefined && notes.length === 0) return undefined;
    this.#progress = undefined;
    this.#notes = [];
    return { run, part, try: id, attempt, notes, ...(progress && { progress }) };
  }

  /** Runs the step to the end of this try; never throws. */
  async run(step: AnyStep | undefined): Promise<Omit<EndedTry, "isLimited">> {
    const { run, part, try: id, name, failures } = this.claimed;
    try {
      if (step === undefined) throw new GyreError("Unsupported", `This worker has no step ${name}`, { subject: name });
      return { run, part, try: id, state: "succeeded", output: await this.#output(step) };
    } catch (error) {
      if (this.#isGivenBack)
        return { run, part, try: id, state: "queued", error: failureOf(error), isGivenBack: true, waitMs: 0 };
      const waitMs = isFinal(error) ? undefined : waitAfter(error, failures + 1, step?.retry);
      const ended = { run, part, try: id, error: failureOf(error) };
      return waitMs === undefined ? { ...ended, state: "failed" } : { ...ended, state: "queued", waitMs };
    }
  }

  async #output(step: AnyStep): Promise<string> {
    const { timeLimitMs, name } = step;
    const late = (): void =>
      this.stop(new GyreError("Busy", `${name} took more than its ${(timeLimitMs ?? 0) / 1000} seconds`));
    const timer = timeLimitMs === undefined ? undefined : setTimeout(late, timeLimitMs);
    const work = this.#work(step);
    try {
      return await Promise.race([work, this.#stopped(work)]);
    } catch (error) {
      // What a step throws when it is told to stop is not why it was.
      throw this.signal.aborted ? this.signal.reason : error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #work(step: AnyStep): Promise<string> {
    try {
      const output: unknown = await step.run(parse(step.input, this.claimed.input, `Input of ${step.name}`), this);
      parse(step.output, output, `Output of ${step.name}`);
      return jsonText(output, MOST_OUTPUT, `Output of ${step.name}`);
    } finally {
      const folder = await this.#scratch?.catch(() => undefined);
      if (folder !== undefined) await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    }
  }

  /** Rejects with why it was stopped, once it has cleaned up or its time for that is over. */
  #stopped(work: Promise<string>): Promise<never> {
    const { promise, reject } = Promise.withResolvers<never>();
    const end = (): void => {
      const fail = (): void => reject(this.signal.reason);
      const timer = setTimeout(fail, GRACE_MS);
      work.then(fail, fail).finally(() => clearTimeout(timer));
    };
    if (this.signal.aborted) end();
    else this.signal.addEventListener("abort", end, { once: true });
    return promise;
  }

  #note(kind: "used" | "generated", { id, digest, bytes, mediaType }: Entity): void {
    if (++this.#entities > MOST_ENTITIES) return;
    this.#notes.push({ kind, time: new Date(), note: { id: id.slice(0, LONGEST_LINE), digest, bytes, mediaType } });
  }
}

/** Milliseconds until the next try; undefined: there is none. */
function waitAfter(error: unknown, failures: number, retry: Retry | undefined): number | undefined {
  if (retry === undefined || failures >= retry.tries) return undefined;
  const wait = Math.min(retry.waitMs * (retry.grow ?? 1) ** (failures - 1), retry.mostMs ?? LONGEST_WAIT_MS);
  // What a remote server asks for.
  const asked = isGyreError(error) ? (error.details.retryAfter ?? 0) * 1000 : 0;
  return Math.min(isAmount(asked) ? Math.max(wait, asked) : wait, LONGEST_WAIT_MS);
}

function isAmount(value: number | undefined): value is number {
  return value !== undefined && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}
