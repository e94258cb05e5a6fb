import type { z } from "zod";
import type { Call, Principal } from "../core/principal.ts";

/** How a step that failed is tried again. A try waits in the database: no worker is held meanwhile. */
export interface Retry {
  /** All tries, the first one included. */
  readonly tries: number;
  /** Milliseconds before the second try. */
  readonly waitMs: number;
  /** Each wait is so many times the one before; default 1. */
  readonly grow?: number;
  /** No wait is longer, in milliseconds. */
  readonly mostMs?: number;
}

/** What work is held back by. Limits hold over all processes of the database. */
export interface QueueSpec {
  readonly name: string;
  /** Steps at once in one process. */
  readonly perWorker?: number;
  /** Steps at once for each key. */
  readonly perKey?: number;
  /** Steps at once in all processes. */
  readonly everywhere?: number;
}

/** How far something is; fields that are left out stay as they were. */
export interface Progress {
  /** 0 to 100. */
  readonly percent?: number;
  /** What it does just now, for people. */
  readonly text?: string;
  /** Bytes read or written so far, and of how many where that is known. */
  readonly bytes?: number;
  readonly totalBytes?: number;
}

/** Something that a step read or made (a PROV entity). */
export interface Entity {
  /** Its address, or a path within a package. */
  readonly id: string;
  /** `sha256:...` or a version; absent where none is known. */
  readonly digest?: string;
  readonly bytes?: number;
  readonly mediaType?: string;
}

/** What a try of a step is told, and what it tells. */
export interface StepContext {
  /** Aborts when the run is cancelled, the time is up or the worker ends. To be passed on to all that waits. */
  readonly signal: AbortSignal;
  /** Of this try alone, fit for names of files: what it writes under such a name no other try touches. */
  readonly id: string;
  /** 1 for the first try. */
  readonly attempt: number;
  readonly who: Principal;
  /** A folder of this try alone, made when it is first asked for and removed when the try ends in any way. */
  scratch(): Promise<string>;
  progress(state: Progress): void;
  log(message: string): void;
  /** Provenance: what the step read, and what it made. */
  used(entity: Entity): void;
  generated(entity: Entity): void;
}

/**
 * A piece of work. It runs at least once and its result is kept once: a second try may run beside a first one that was
 * taken for dead, so what it makes must be published by one atomic act (a rename, a conditional write).
 */
export interface Step<In, Out> {
  readonly name: string;
  readonly input: z.ZodType<In>;
  /** Of results, which are small: addresses and numbers, never data. */
  readonly output: z.ZodType<Out>;
  /** Name of the work queue. */
  readonly queue: string;
  /** Steps of one queue and key are limited by the queue's `perKey`. */
  readonly key?: (input: In) => string;
  /** Default: one try. GyreErrors other than Busy, BadSource and Conflict are not tried again. */
  readonly retry?: Retry;
  /** Milliseconds of one try; none unless told. */
  readonly timeLimitMs?: number;
  run(input: In, context: StepContext): Promise<Out>;
}

/** How something ended. */
export type Settled<Out> =
  | { readonly ok: true; readonly value: Out }
  | { readonly ok: false; readonly error: Failure; readonly isCancelled: boolean };

/** An error as it crosses processes. */
export interface Failure {
  readonly message: string;
  /** Of a GyreError. */
  readonly tag?: string;
}

/** Something that was started. */
export interface Handle<Out> {
  /** Of the child: `{run}/{part}` unless it was named. */
  readonly id: string;
  /** Waits for its end; never throws for what the child did. */
  settle(): Promise<Settled<Out>>;
  /** Its result. Throws what it failed with. */
  get(): Promise<Out>;
}

/**
 * What a flow is written with. A flow is replayed after a crash: it calls these one after the other, never inside
 * `Promise.all`, and asks clocks, chance, disks and networks inside of steps only.
 */
export interface FlowContext {
  /** Of the run. */
  readonly id: string;
  readonly who: Principal;
  /** Starts a step; `part` tells it from others of this run. */
  step<In, Out>(step: Step<In, Out>, part: string, input: In): Promise<Handle<Out>>;
  /**
   * Starts another flow as a child, cancelled with its parent. With `id` it is a unit of work that others may have
   * started: then the handle is that of the run that is there, and `isNew` is false.
   */
  flow<In, Out>(
    flow: Flow<In, Out>,
    part: string,
    input: In,
    options?: { readonly id?: string },
  ): Promise<Handle<Out> & { readonly isNew: boolean }>;
  /** Waits, through crashes as well, and holds no worker. */
  sleep(ms: number): Promise<void>;
}

/** What work will take, before it starts. */
export interface Estimate {
  readonly readBytes?: number;
  readonly writeBytes?: number;
  readonly seconds?: number;
  /** What a person should know: that nothing lies inside, that a source must be fetched first. */
  readonly notes?: readonly string[];
}

/** A durable function of steps. */
export interface Flow<In, Out> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: z.ZodType<In>;
  readonly output: z.ZodType<Out>;
  /** All that it may start, so that a worker knows them. */
  readonly steps: readonly AnyStep[];
  readonly flows?: readonly AnyFlow[];
  /** Clients start it themselves, by `/ogcapi/processes`; others are parts only. */
  readonly isPublic?: boolean;
  estimate?(input: In, call: Call): Promise<Estimate>;
  run(input: In, context: FlowContext): Promise<Out>;
}

/** Steps and flows of any types, as registries hold them; methods make them assignable. */
// biome-ignore lint/suspicious/noExplicitAny: the types of one are known to whoever defined it
export type AnyStep = Step<any, any>;
// biome-ignore lint/suspicious/noExplicitAny: as above
export type AnyFlow = Flow<any, any>;
