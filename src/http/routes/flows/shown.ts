import { createHash } from "node:crypto";
import { canonicalJson } from "../../../catalog/json.ts";
import type { Json } from "../../../core/array.ts";
import type { Entity } from "../../../flows/flow.ts";
import type { Attempt, Part, Run, RunDetail, RunState, Worker } from "../../../flows/runs.ts";

const ENDED: ReadonlySet<RunState> = new Set(["succeeded", "failed", "cancelled"]);

/** Whether nothing of a run changes any more. */
export function hasEnded({ state }: Pick<Run, "state">): boolean {
  return ENDED.has(state);
}

/** The address of a run; ids of parts have slashes. */
export function runUrl(base: URL, id: string): string {
  return `${base.href}flows/${encodeURIComponent(id)}`;
}

/** A run as lists show it: what it was given, and what came of it, may be large. */
export function shownRun(run: Run, base: URL): object {
  const self = runUrl(base, run.id);
  const { id, flow, state, progress, who, error, parent, created, started, ended } = run;
  return {
    ...{ id, flow, state, progress, who, created, started, ended, ...tookSeconds(started, ended), error, parent },
    links: [
      { rel: "self", href: self, type: "application/json" },
      ...(parent === undefined ? [] : [{ rel: "up", href: runUrl(base, parent), type: "application/json" }]),
      { rel: "monitor", href: `${self}/events`, type: "text/event-stream" },
      { rel: "provenance", href: `${self}/provenance`, type: "application/json" },
    ],
  };
}

/** A run with its steps and children, and all that it read and made. */
export function shownDetail(run: RunDetail, base: URL): object {
  const { input, output, parts } = run;
  return {
    ...shownRun(run, base),
    ...{ input, inputDigest: digestOf(input) },
    ...(output === undefined ? {} : { output, outputDigest: digestOf(output) }),
    used: distinct(parts.flatMap((part) => part.used)),
    generated: distinct(parts.flatMap((part) => part.generated)),
    parts: parts.map((part) => shownPart(part, base)),
  };
}

/** A run as it is told again and again: without what does not change while it goes on. */
export function shownMoment(run: RunDetail, base: URL): object {
  const parts = run.parts.map((part) => {
    const { input: _i, output: _o, used: _u, generated: _g, ...moving } = part;
    return shownPart(moving, base);
  });
  return { ...shownRun(run, base), ...(run.output === undefined ? {} : { output: run.output }), parts };
}

export function shownWorker({ id, host, queues, started, seen }: Worker): object {
  return { id, host, queues, started, seen };
}

function shownPart(part: Omit<Part, "used" | "generated">, base: URL): object {
  const { flow, attempts, ...rest } = part;
  return {
    ...rest,
    kind: flow ? "flow" : "step",
    ...(flow ? { href: runUrl(base, part.id) } : {}),
    attempts: attempts.map(shownAttempt),
  };
}

function shownAttempt(attempt: Attempt): object {
  return { ...attempt, ...tookSeconds(attempt.started, attempt.ended) };
}

function tookSeconds(started: Date | undefined, ended: Date | undefined): object {
  if (started === undefined || ended === undefined) return {};
  return { seconds: (ended.getTime() - started.getTime()) / 1000 };
}

/** What several steps read is told once. */
function distinct(entities: readonly Entity[]): readonly Entity[] {
  return [...new Map(entities.map((entity) => [`${entity.id}\0${entity.digest ?? ""}`, entity])).values()];
}

/** Of a value's JSON with keys in order, so that equal values have one digest. */
export function digestOf(value: Json): string {
  return `sha256:${createHash("sha256").update(canonicalJson(value)).digest("hex")}`;
}
