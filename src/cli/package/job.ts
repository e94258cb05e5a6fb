import { type Client, ClientError, type Job } from "../../client/index.ts";
import { GyreError } from "../../errors.ts";
import type { CommandIo } from "../command.ts";

export interface WantedJob {
  readonly boundary: string;
  readonly processors: readonly string[];
  readonly polygon?: string | File;
}

export interface JobFlags {
  readonly watch: boolean;
  readonly json: boolean;
}

/** Tells what a job would take. */
export async function estimateJob(client: Client, job: WantedJob, flags: JobFlags, io: CommandIo): Promise<number> {
  const estimate = await client.jobEstimate(job.boundary, job.processors, optionsOf(job, io));
  const { readBytes, writeBytes, seconds, notes = [] } = estimate;
  if (flags.json) io.out(JSON.stringify(estimate));
  else {
    io.out(`reads ${readBytes ?? "an unknown number of"} bytes, writes ${writeBytes ?? "an unknown number of"} bytes`);
    if (seconds !== undefined) io.out(`takes about ${Math.ceil(seconds)} s`);
    for (const note of notes) io.out(note);
  }
  return 0;
}

/** Submits a job, and waits for its end where that is wanted. */
export async function submitJob(client: Client, job: WantedJob, flags: JobFlags, io: CommandIo): Promise<number> {
  const id = await client.jobSubmit(job.boundary, job.processors, optionsOf(job, io));
  if (flags.json) io.out(JSON.stringify({ job_id: id }));
  else if (!flags.watch) io.out(id);
  if (!flags.watch) return 0;
  let last: Job | undefined;
  let told = "";
  for await (const state of client.jobWatch(id, { signal: io.signal })) {
    last = state;
    const line = progressOf(state);
    if (flags.json) io.out(JSON.stringify(state));
    else if (io.tty && line !== told) io.err(line);
    told = line;
  }
  if (!flags.json) for (const line of last === undefined ? [] : resultsOf(last)) io.out(line);
  const isBad = last?.job_group_processors.some(({ job_status: is }) => is === "FAILURE" || is === "REVOKED") ?? true;
  return isBad ? 1 : 0;
}

/** What a node refuses is told as any other command tells it. */
export async function inTermsOfGyre<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    throw new GyreError(error.status === undefined ? "Busy" : "Conflict", error.message, { cause: error });
  }
}

function optionsOf({ polygon }: WantedJob, { signal }: CommandIo) {
  return { signal, ...(polygon === undefined ? {} : { polygon }) };
}

function progressOf({ job_group_percent_complete: percent, job_group_processors: all }: Job): string {
  const busy = all.find(({ job_status }) => job_status === "EXECUTING");
  const doing = busy === undefined ? "" : `: ${busy.processor_name} ${busy.job_progress?.current_task ?? ""}`;
  return `${String(percent).padStart(3)} %${doing}`;
}

function resultsOf({ job_group_processors: all }: Job): string[] {
  return all.map(({ processor_name, job_status, job_result: result = {} }) => {
    const said = result.failed ?? result.skipped ?? result.uri ?? "";
    return `${processor_name} ${job_status}${said === "" ? "" : ` ${said}`}`;
  });
}
