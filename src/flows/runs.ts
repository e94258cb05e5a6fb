import type { Json } from "../core/array.ts";
import type { Call } from "../core/principal.ts";
import type { AnyFlow, Entity, Estimate, Failure, Flow, Progress, Settled } from "./flow.ts";

export type RunState = "queued" | "running" | "succeeded" | "failed" | "cancelled";

/** One try of a step. */
export interface Attempt {
  readonly number: number;
  /** The process that ran it; absent while it waits. */
  readonly worker?: string;
  readonly state: RunState;
  readonly queued: Date;
  readonly started?: Date;
  readonly ended?: Date;
  readonly error?: Failure;
}

export interface LogLine {
  readonly time: Date;
  readonly attempt: number;
  readonly message: string;
}

/** A step of a run, or a child run (`flow` is set). */
export interface Part {
  readonly id: string;
  /** Name of the step or of the flow. */
  readonly name: string;
  readonly part: string;
  readonly flow: boolean;
  readonly queue?: string;
  readonly key?: string;
  readonly state: RunState;
  readonly progress: Progress;
  readonly attempts: readonly Attempt[];
  readonly input?: Json;
  readonly output?: Json;
  readonly error?: Failure;
  readonly logs: readonly LogLine[];
  readonly used: readonly Entity[];
  readonly generated: readonly Entity[];
}

/** One execution of a flow. */
export interface Run {
  readonly id: string;
  /** Name of the flow. */
  readonly flow: string;
  readonly state: RunState;
  /** Of the whole run: moves with its parts. */
  readonly progress: Progress;
  readonly who: string;
  readonly input: Json;
  readonly output?: Json;
  readonly error?: Failure;
  readonly parent?: string;
  readonly created: Date;
  readonly started?: Date;
  readonly ended?: Date;
}

export interface RunDetail extends Run {
  /** In the order in which they were started. */
  readonly parts: readonly Part[];
}

export interface RunFilter {
  readonly flow?: string;
  readonly states?: readonly RunState[];
  /** Also runs that are parts of others; default false. */
  readonly children?: boolean;
  readonly after?: Date;
  readonly before?: Date;
  /** At most so many, newest first; default 100, most 1,000. */
  readonly limit?: number;
  /** `next` of the answer before. */
  readonly from?: string;
}

export interface StartOptions {
  /** The same id again finds the same run, also when it has ended. Default: one by chance (uuid). */
  readonly id?: string;
}

export interface Started {
  readonly id: string;
  /** False: a run of that id was there. */
  readonly isNew: boolean;
}

/** A process that works for this node. */
export interface Worker {
  readonly id: string;
  readonly host: string;
  readonly queues: readonly string[];
  readonly started: Date;
  readonly seen: Date;
}

/** Runs of flows: what routes and commands know of the engine. */
export interface Runs {
  /** What can be started, by name. */
  readonly flows: ReadonlyMap<string, AnyFlow>;
  /** Durable when it resolves. Throws Invalid (with pointers) for input that breaks the flow's schema. */
  start<In, Out>(flow: Flow<In, Out>, input: In, call: Call, options?: StartOptions): Promise<Started>;
  estimate<In, Out>(flow: Flow<In, Out>, input: In, call: Call): Promise<Estimate>;
  get(id: string, call: Call): Promise<RunDetail | undefined>;
  list(filter: RunFilter, call: Call): Promise<{ readonly runs: readonly Run[]; readonly next?: string }>;
  /** Waits for the end of a run. Undefined: there is none. */
  settled(id: string, call: Call): Promise<Settled<Json> | undefined>;
  /** The run whenever something of it changed, first as it is, last as it ended. Undefined: there is none. */
  watch(id: string, call: Call): Promise<AsyncIterable<RunDetail> | undefined>;
  /** Queued parts never start, running ones get their signal, children stop. Throws NotFound; Conflict when it has ended. */
  cancel(id: string, call: Call): Promise<void>;
  /** Runs again from the first step that failed; results before it stay. Throws NotFound; Conflict unless it failed or was cancelled. */
  retry(id: string, call: Call): Promise<void>;
  /** Forgets a run that has ended, with its parts. Throws NotFound; Conflict while it goes on. */
  delete(id: string, call: Call): Promise<void>;
  workers(call: Call): Promise<readonly Worker[]>;
}
