import type { Call } from "../../core/principal.ts";
import type { Part, RunDetail, Runs } from "../runs.ts";
import { type PackageInput, packageInput } from "./package-input.ts";
import { type PartOutput, partOutput } from "./part-flow.ts";

export type JobState = "PENDING" | "EXECUTING" | "SUCCESS" | "FAILURE" | "SKIPPED" | "RETRY" | "REVOKED";

/** One processor of a job, as the founding system's clients know it. */
export interface ProcessorJob {
  /** Of the run that makes it, or made it. */
  readonly job_id: string;
  readonly processor_name: string;
  readonly job_status: JobState;
  readonly job_progress?: { readonly percent_complete: number; readonly current_task?: string };
  readonly job_result?: { readonly [field: string]: unknown };
}

export interface Job {
  readonly job_group_status: "PENDING" | "COMPLETE";
  readonly job_group_percent_complete: number;
  readonly job_group_processors: readonly ProcessorJob[];
}

/** A job as its run is now. */
export async function jobOf(run: RunDetail, runs: Pick<Runs, "get">, call: Call): Promise<Job> {
  const parts = new Map(run.parts.filter((part) => part.flow).map((part) => [part.part, part]));
  const processors: ProcessorJob[] = [];
  for (const name of inputOf(run).processors) {
    const part = parts.get(name);
    processors.push(part === undefined ? notStarted(name, run) : await started(name, part, runs, call));
  }
  const hasEnded = !isGoing(run);
  const percents = processors.map(({ job_status, job_progress }) =>
    ENDS.has(job_status) ? 100 : (job_progress?.percent_complete ?? 0),
  );
  const percent = Math.floor(percents.reduce((sum, one) => sum + one, 0) / percents.length);
  return {
    job_group_status: hasEnded ? "COMPLETE" : "PENDING",
    // What is written down at the end is work as well.
    job_group_percent_complete: hasEnded ? 100 : Math.min(percent, 99),
    job_group_processors: processors,
  };
}

/** What a job was asked for with. */
export function inputOf({ input }: Pick<RunDetail, "input">): PackageInput {
  return packageInput.parse(input);
}

const ENDS: ReadonlySet<JobState> = new Set(["SUCCESS", "FAILURE", "SKIPPED", "REVOKED"]);

function isGoing({ state }: { readonly state: RunDetail["state"] }): boolean {
  return state === "queued" || state === "running";
}

/** A processor whose part of the run has not come to be, and may never. */
function notStarted(name: string, { id, state, error }: RunDetail): ProcessorJob {
  const job = { job_id: id, processor_name: name };
  if (state === "cancelled") return { ...job, job_status: "REVOKED" };
  if (state === "failed") return { ...job, job_status: "FAILURE", job_result: { failed: error?.message ?? "" } };
  return { ...job, job_status: "PENDING" };
}

async function started(name: string, part: Part, runs: Pick<Runs, "get">, call: Call): Promise<ProcessorJob> {
  const job = { job_id: part.id, processor_name: name };
  if (part.state === "succeeded") return { ...job, ...ended(partOutput.parse(part.output)) };
  if (part.state === "cancelled") return { ...job, job_status: "REVOKED" };
  if (part.state === "failed") {
    return { ...job, job_status: "FAILURE", job_result: { failed: part.error?.message ?? "" } };
  }
  const dataset = (await runs.get(part.id, call))?.parts.findLast(({ flow }) => flow);
  if (dataset === undefined || dataset.state === "queued") return { ...job, job_status: "PENDING" };
  const generate = (await runs.get(dataset.id, call))?.parts[0];
  const isWaiting = generate === undefined || generate.state === "queued";
  const wasTried = generate?.attempts.some(({ state }) => state === "failed") ?? false;
  const { percent = 0, text } = (generate ?? dataset).progress;
  return {
    ...job,
    job_id: dataset.id,
    job_status: isWaiting ? (wasTried ? "RETRY" : "PENDING") : "EXECUTING",
    job_progress: { percent_complete: Math.floor(percent), ...(text === undefined ? {} : { current_task: text }) },
  };
}

/** How a processor's part of a run ended. */
function ended(output: PartOutput): Pick<ProcessorJob, "job_status" | "job_result"> & { readonly job_id?: string } {
  const id = output.run === undefined ? {} : { job_id: output.run };
  if (output.status === "cancelled") return { ...id, job_status: "REVOKED" };
  if (output.status === "skipped") {
    const found = output.run === undefined ? "" : `: ${output.run}`;
    return { ...id, job_status: "SKIPPED", job_result: { skipped: `${output.reason}${found}` } };
  }
  const { status: _, run: __, ...result } = output;
  return { ...id, job_status: "SUCCESS", job_result: result };
}
