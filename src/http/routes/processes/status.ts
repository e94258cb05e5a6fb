import type { Json } from "../../../core/array.ts";
import type { Run, RunState } from "../../../flows/runs.ts";
import { WHOLE } from "./description.ts";

const REL = "http://www.opengis.net/def/rel/ogc/1.0/";

/** `statusCode.yaml`. */
export type JobStatus = "accepted" | "running" | "successful" | "failed" | "dismissed";

export const STATUS: Readonly<Record<RunState, JobStatus>> = {
  queued: "accepted",
  running: "running",
  succeeded: "successful",
  failed: "failed",
  cancelled: "dismissed",
};

/** A run as a job (statusInfo.yaml); `status` where it is about to be another than the run's. */
export function statusInfo(run: Run, base: URL, status: JobStatus = STATUS[run.state]): object {
  const { id, flow, progress, error, created, started, ended } = run;
  const self = jobUrl(base, id);
  const message = error?.message ?? progress.text;
  return {
    type: "process",
    processID: flow,
    jobID: id,
    status,
    ...(message === undefined ? {} : { message }),
    ...{ created, started, finished: ended, updated: ended ?? started ?? created },
    progress: run.state === "succeeded" ? 100 : Math.floor(progress.percent ?? 0),
    links: [
      { rel: "self", href: self, type: "application/json" },
      { rel: "monitor", href: `${base.href}flows/${encodeURIComponent(id)}/events`, type: "text/event-stream" },
      ...(status === "successful"
        ? [{ rel: `${REL}results`, href: `${self}/results`, type: "application/json", title: "Results" }]
        : []),
    ],
  };
}

/** The outputs of a run by name (results.yaml); objects are qualified. */
export function resultsOf(output: Json): { readonly [name: string]: Json } {
  const isNamed = typeof output === "object" && output !== null && !Array.isArray(output);
  const named = isNamed ? (output as { readonly [name: string]: Json }) : { [WHOLE]: output };
  return Object.fromEntries(Object.entries(named).map(([name, value]) => [name, qualified(value)]));
}

export function jobUrl(base: URL, id: string): string {
  return `${base.href}ogcapi/jobs/${encodeURIComponent(id)}`;
}

function qualified(value: Json): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { value } : value;
}
