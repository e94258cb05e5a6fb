import type { Json } from "../../core/array.ts";
import type { Principal } from "../../core/principal.ts";
import type { Pool } from "../../db/database.ts";
import { Wake } from "../../log/wake.ts";
import type { Flow, FlowContext, Handle, Settled, Step } from "../flow.ts";
import type { Batch } from "./batch.ts";
import type { EndedParts } from "./bell.ts";
import { errorOf } from "./failure.ts";
import { jsonText, MOST_INPUT, parse } from "./json.ts";
import { checkPart, checkRunId } from "./names.ts";
import { endedParts, type KnownPart, knownParts, type NewStep } from "./part-rows.ts";
import { insist, never } from "./patience.ts";
import { insertRun } from "./run-rows.ts";

/** What executions of one process have in common. */
export interface FlowGround {
  readonly pool: Pool;
  readonly steps: Batch<NewStep>;
  readonly closing: AbortSignal;
  /** When a wait of so many milliseconds ends: the same when it is asked again after a crash. */
  timeIn(ms: number): Promise<number>;
}

export interface FlowRunOptions {
  readonly id: string;
  readonly execution: string;
  readonly flow: string;
  readonly who: Principal;
  /** Aborts when the run is cancelled. */
  readonly stopped: AbortSignal;
}

interface Part {
  readonly known: Pick<KnownPart, "part" | "name" | "child" | "isNew">;
  /** Of a step that this execution started. */
  readonly row?: NewStep;
  /** Resolves when the database has it. */
  readonly kept: Promise<void>;
  settled?: Settled<Json>;
}

/** A timer of JavaScript has 31 bits. */
const LONGEST_TIMER_MS = 24 * 3_600_000;
/** Longer keys of a queue are one when they begin alike. */
const LONGEST_KEY = 500;
/** Outcomes read at once. */
const READ_AHEAD = 500;
/** News come by NOTIFY; this is for those that do not. */
const SAFETY_MS = 5_000;

/**
 * One execution of a flow. What it starts is known by the name of its part, and how that ended is kept with it: so an
 * execution after a crash finds what an earlier one did, and a step's start need not be durable before the flow goes on.
 */
export class FlowRun implements FlowContext {
  readonly id: string;
  readonly who: Principal;
  readonly #ground: FlowGround;
  readonly #options: FlowRunOptions;
  readonly #parts = new Map<string, Part>();
  readonly #news = new Wake();
  /** The call that is under way. */
  #call: string | undefined;

  constructor(ground: FlowGround, options: FlowRunOptions) {
    this.id = options.id;
    this.who = options.who;
    this.#ground = ground;
    this.#options = options;
    options.stopped.addEventListener("abort", () => this.#news.ring(), { once: true });
    // A flow may take them out of its context.
    this.step = this.step.bind(this);
    this.flow = this.flow.bind(this);
    this.sleep = this.sleep.bind(this);
  }

  /** Learns what earlier executions have started. */
  async load(): Promise<void> {
    const known = await insist(this.#ground.closing, () => knownParts(this.#ground.pool, this.id));
    for (const part of known) this.#parts.set(part.part, { known: part, kept: Promise.resolve() });
  }

  /** Something of the run may have ended: these parts have. */
  ring(ended: EndedParts = new Map()): void {
    this.#settle(ended);
    this.#news.ring();
  }

  /** The server may have crashed, and have forgotten the latest steps. */
  renew(): void {
    for (const { row, settled } of this.#parts.values()) if (row && !settled) void this.#keep(row);
    this.ring();
  }

  step<In, Out>(step: Step<In, Out>, part: string, input: In): Promise<Handle<Out>> {
    return this.#alone(`step ${part}`, async () => {
      const known = this.#known(part, step.name);
      return this.#handle<Out>(known ?? this.#queue(step, part, input));
    });
  }

  flow<In, Out>(
    flow: Flow<In, Out>,
    part: string,
    input: In,
    options: { readonly id?: string } = {},
  ): Promise<Handle<Out> & { readonly isNew: boolean }> {
    return this.#alone(`flow ${part}`, async () => {
      const child = this.#known(part, flow.name) ?? (await this.#begin(flow, part, input, options.id));
      return { ...this.#handle<Out>(child), isNew: child.known.isNew === true };
    });
  }

  sleep(ms: number): Promise<void> {
    return this.#alone("sleep", async () => {
      const { stopped } = this.#options;
      const { closing, timeIn } = this.#ground;
      const end = await timeIn(ms);
      for (let left = end - Date.now(); left > 0 && !stopped.aborted; left = end - Date.now()) {
        const { version } = this.#news;
        if (closing.aborted) await never();
        await this.#news.after(version, stopped, Math.min(left, LONGEST_TIMER_MS));
      }
    });
  }

  /** A flow is replayed in one order of calls, which branches that run side by side do not have. */
  async #alone<T>(call: string, work: () => Promise<T>): Promise<T> {
    if (this.#call !== undefined)
      throw new Error(
        `The flow ${this.#options.flow} called ${call} while ${this.#call} was under way: a flow awaits each call before the next, and never calls inside Promise.all`,
      );
    this.#call = call;
    try {
      if (this.#ground.closing.aborted) return await never<T>();
      this.#options.stopped.throwIfAborted();
      const result = await work();
      this.#options.stopped.throwIfAborted();
      return result;
    } finally {
      this.#call = undefined;
    }
  }

  #known(part: string, name: string): Part | undefined {
    const known = this.#parts.get(part);
    if (known === undefined || known.known.name === name) return known;
    throw new Error(`The flow ${this.#options.flow} started ${known.known.name} and ${name} as one part, ${part}`);
  }

  #queue<In, Out>(step: Step<In, Out>, part: string, input: In): Part {
    const position = this.#place(part);
    const parsed = parse(step.input, input, `Input of ${step.name}`);
    const row: NewStep = {
      run: this.id,
      execution: this.#options.execution,
      part,
      position,
      name: step.name,
      queue: step.queue,
      key: step.key?.(parsed).slice(0, LONGEST_KEY) ?? "",
      input: jsonText(input, MOST_INPUT, `Input of ${step.name}`),
    };
    return this.#put({ known: { part, name: step.name, child: null, isNew: null }, row, kept: this.#keep(row) });
  }

  async #begin<In, Out>(flow: Flow<In, Out>, part: string, input: In, named: string | undefined): Promise<Part> {
    const position = this.#place(part);
    parse(flow.input, input, `Input of ${flow.name}`);
    const json = jsonText(input, MOST_INPUT, `Input of ${flow.name}`);
    const child = named ?? `${this.id}/${part}`;
    checkRunId(child);
    const { pool, closing } = this.#ground;
    const isNew = await insist(closing, () =>
      pool.transaction(async (tx) => {
        const made = await insertRun(tx, pool.schema, {
          id: child,
          flow: flow.name,
          parent: this.id,
          who: this.who,
          input: json,
        });
        await tx.query(
          `insert into flow_part (run, part, position, name, child, is_new, input)
           select $1, $2, $3, $4, $5, $6, $7 from flow_run where id = $1 and execution = $8 and ended is null for share`,
          [this.id, part, position, flow.name, child, made, json, this.#options.execution],
        );
        return made;
      }),
    );
    return this.#put({ known: { part, name: flow.name, child, isNew }, kept: Promise.resolve() });
  }

  #keep(row: NewStep): Promise<void> {
    const { closing, steps } = this.#ground;
    const kept = insist(closing, () => steps.add(row));
    // Whoever waits for the part hears of it.
    kept.catch(() => undefined);
    return kept;
  }

  #place(part: string): number {
    checkPart(part);
    return this.#parts.size;
  }

  #put(part: Part): Part {
    this.#parts.set(part.known.part, part);
    return part;
  }

  #handle<Out>(part: Part): Handle<Out> {
    const name = part.known.part;
    const settle = (): Promise<Settled<Out>> => this.#alone(`wait for ${name}`, () => this.#settled<Out>(part));
    return {
      id: part.known.child ?? `${this.id}/${name}`,
      settle,
      get: async () => {
        const settled = await settle();
        if (settled.ok) return settled.value;
        throw errorOf(settled.error);
      },
    };
  }

  #settle(ended: EndedParts): void {
    for (const [name, settled] of ended) Object.assign(this.#parts.get(name) ?? {}, { settled });
  }

  async #settled<Out>(part: Part): Promise<Settled<Out>> {
    const { closing, pool } = this.#ground;
    const { stopped } = this.#options;
    await part.kept;
    for (;;) {
      const { version } = this.#news;
      if (part.settled === undefined) {
        const open = [part, ...[...this.#parts.values()].filter((other) => other !== part && !other.settled)];
        const names = open.slice(0, READ_AHEAD).map(({ known }) => known.part);
        this.#settle(await insist(closing, () => endedParts(pool, this.id, names)));
      }
      // What a step gave was checked by its schema before it was kept.
      if (part.settled !== undefined) return part.settled as Settled<Out>;
      stopped.throwIfAborted();
      await this.#news.after(version, stopped, SAFETY_MS);
    }
  }
}
