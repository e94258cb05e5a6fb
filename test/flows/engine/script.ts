/** Flows that do what their input says, and leave in the database what their steps did. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Pool } from "../../../src/db/database.ts";
import { type ErrorTag, GyreError } from "../../../src/errors.ts";
import type { Flow, Handle, QueueSpec, Settled, Step, StepContext } from "../../../src/flows/flow.ts";

const ACT = z.object({
  label: z.string(),
  key: z.string().optional(),
  /** Waits until the gate is open. */
  gate: z.string().optional(),
  /** So many tries fail. */
  failures: z.number().optional(),
  /** Of their errors. */
  tag: z.string().optional(),
  /** Its process kills itself when the gate opens, at the first try. */
  kill: z.boolean().optional(),
  /** It waits until it is told to stop. */
  hang: z.boolean().optional(),
  result: z.unknown().optional(),
});
export type Act = z.infer<typeof ACT>;

/** One call of a flow. */
export type Op =
  | { readonly do: "step"; readonly part: string; readonly act: Act; readonly kind?: keyof ActSteps }
  /** Its failure fails the flow. */
  | { readonly do: "get"; readonly part: string }
  | { readonly do: "settle"; readonly part: string }
  | { readonly do: "child"; readonly part: string; readonly id?: string; readonly ops: readonly Op[] }
  | { readonly do: "sleep"; readonly ms: number }
  /** Two calls at once, which is not allowed. */
  | { readonly do: "both"; readonly acts: readonly [Act, Act] };

/** What each waited for part gave, and which children were new. */
export interface Report {
  readonly parts: { readonly [part: string]: Settled<unknown> };
  readonly isNew: { readonly [part: string]: boolean };
}

const OPS = z.object({ ops: z.array(z.custom<Op>((op) => typeof op === "object" && op !== null && "do" in op)) });
export type Script = z.infer<typeof OPS>;

export interface ActSteps {
  readonly act: Step<Act, unknown>;
  readonly patient: Step<Act, unknown>;
  /** Fails at once, and is tried again in a day. */
  readonly later: Step<Act, unknown>;
  readonly hasty: Step<Act, unknown>;
  readonly limited: Step<Act, unknown>;
  readonly single: Step<Act, unknown>;
}

export const QUEUES: readonly QueueSpec[] = [
  { name: "core" },
  { name: "keyed", perKey: 2 },
  { name: "single", everywhere: 1 },
];

/** Tables of gates and of what steps did. */
export async function createDeeds(pool: Pool): Promise<void> {
  await pool.query(`create table deed (id bigint generated always as identity, label text not null, key text, try text not null,
    attempt int not null, pid int not null, subject text not null, scratch text, began timestamptz not null default clock_timestamp(),
    ended timestamptz, how text)`);
  await pool.query("create table gate (name text primary key)");
}

export async function openGate(pool: Pool, name: string): Promise<void> {
  await pool.query("insert into gate values ($1) on conflict do nothing", [name]);
}

export interface Deed {
  readonly label: string;
  readonly key: string | null;
  readonly try: string;
  readonly attempt: number;
  readonly pid: number;
  readonly subject: string;
  readonly scratch: string | null;
  readonly began: Date;
  readonly ended: Date | null;
  readonly how: string | null;
}

export function deedsOf(pool: Pool, prefix: string): Promise<Deed[]> {
  return pool.query<Deed>("select * from deed where starts_with(label, $1) order by id", [prefix]);
}

export function scriptFlow(pool: Pool): Flow<Script, Report> {
  const steps = actSteps(pool);
  const flow: Flow<Script, Report> = {
    name: "script",
    title: "Script",
    description: "Does what its input says",
    input: OPS,
    output: z.custom<Report>((report) => typeof report === "object"),
    steps: Object.values(steps),
    isPublic: true,
    async estimate({ ops }, { who }) {
      return { seconds: ops.length, notes: [who.subject] };
    },
    async run({ ops }, context) {
      const handles = new Map<string, Handle<unknown>>();
      const parts: Record<string, Settled<unknown>> = {};
      const isNew: Record<string, boolean> = {};
      const handle = (part: string): Handle<unknown> => handles.get(part) ?? assertNever(part);
      for (const op of ops) {
        if (op.do === "step") handles.set(op.part, await context.step(steps[op.kind ?? "act"], op.part, op.act));
        else if (op.do === "settle") parts[op.part] = await handle(op.part).settle();
        else if (op.do === "get") parts[op.part] = { ok: true, value: await handle(op.part).get() };
        else if (op.do === "sleep") await context.sleep(op.ms);
        else if (op.do === "both") await Promise.all(op.acts.map((act, i) => context.step(steps.act, `both${i}`, act)));
        else {
          const child = await context.flow(
            flow,
            op.part,
            { ops: [...op.ops] },
            op.id === undefined ? {} : { id: op.id },
          );
          handles.set(op.part, child);
          isNew[op.part] = child.isNew;
        }
      }
      return { parts, isNew };
    },
  };
  return flow;
}

function assertNever(part: string): never {
  throw new Error(`The script does not start ${part}`);
}

function actSteps(pool: Pool): ActSteps {
  const act: Step<Act, unknown> = {
    name: "act",
    input: ACT,
    output: z.unknown(),
    queue: "core",
    key: ({ key }) => key ?? "",
    run: (input, context) => perform(pool, input, context),
  };
  return {
    act,
    patient: { ...act, name: "patient", retry: { tries: 3, waitMs: 1 } },
    later: {
      ...act,
      name: "later",
      retry: { tries: 2, waitMs: 86_400_000 },
      async run({ label }) {
        throw new GyreError("Busy", `${label} is not there yet`);
      },
    },
    hasty: { ...act, name: "hasty", timeLimitMs: 200 },
    limited: { ...act, name: "limited", queue: "keyed" },
    single: { ...act, name: "single", queue: "single" },
  };
}

async function perform(pool: Pool, act: Act, context: StepContext): Promise<unknown> {
  const folder = await context.scratch();
  await writeFile(join(folder, "partial"), "half");
  await pool.query(
    "insert into deed (label, key, try, attempt, pid, subject, scratch) values ($1, $2, $3, $4, $5, $6, $7)",
    [act.label, act.key ?? null, context.id, context.attempt, process.pid, context.who.subject, folder],
  );
  context.log(`try ${context.attempt} of ${act.label}`);
  context.progress({ percent: Number.POSITIVE_INFINITY, bytes: 1e300 });
  context.progress({ percent: 40, text: act.label, bytes: 4, totalBytes: 10 });
  context.used({ id: `source of ${act.label}`, digest: "sha256:00" });
  context.generated({ id: `result of ${act.label}`, bytes: 4, mediaType: "text/plain" });
  let how = "ended";
  try {
    await waitForGate(pool, act, context);
    if (act.kill === true && context.attempt === 1) {
      process.kill(process.pid, "SIGKILL");
      await new Promise(() => undefined);
    }
    if (context.attempt <= (act.failures ?? 0)) {
      how = "failed";
      const message = `${act.label} fails`;
      throw act.tag === undefined ? new Error(message) : new GyreError(act.tag as ErrorTag, message);
    }
    return act.result ?? act.label;
  } catch (error) {
    if (context.signal.aborted) how = "stopped";
    throw error;
  } finally {
    await pool.query("update deed set ended = clock_timestamp(), how = $2 where try = $1", [context.id, how]);
  }
}

async function waitForGate(pool: Pool, { gate, hang }: Act, { signal }: StepContext): Promise<void> {
  while (
    hang === true ||
    (gate !== undefined && (await pool.query("select 1 from gate where name = $1", [gate])).length === 0)
  )
    await delay(20, undefined, { signal });
}
