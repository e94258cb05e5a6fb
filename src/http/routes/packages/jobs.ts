import { z } from "zod";
import type { Call } from "../../../core/principal.ts";
import { GyreError } from "../../../errors.ts";
import type { Boundaries } from "../../../flows/boundaries/boundary.ts";
import { inputOf, type Job, jobOf } from "../../../flows/jobs/job.ts";
import type { PackageFlows } from "../../../flows/jobs/package-flow.ts";
import type { Processors } from "../../../flows/processors/processor.ts";
import type { Run, RunDetail, Runs } from "../../../flows/runs.ts";
import { favourite } from "../../../protocols/accept.ts";
import type { Protocol, Route, RouteCall } from "../../../protocols/protocol.ts";
import { beating } from "../events/streams.ts";
import { uncachedJson } from "../json-reply.ts";
import { isSamePackage, jobBody, packageInputOf } from "./job-body.ts";
import { FORM_TYPE, readJob } from "./job-upload.ts";

export interface JobRoutesOptions {
  runs(): Promise<Runs>;
  flows(): Promise<PackageFlows>;
  boundaries(): Promise<Boundaries>;
  processors(): Promise<Processors>;
  /** False: packages are only read. */
  readonly acceptsJobs: boolean;
}

const JSON_TYPE = "application/json";
const SSE = "text/event-stream";
/** Of a body: boundaries of countries at 1:10 million have up to 3 MB. */
const BODY_BYTES = 16 * 1024 * 1024;
/** Listeners at once. */
const MOST_LIVE = 1000;
const PATH = "/v1/jobs";
const ONE = `${PATH}/:id`;

const submitQuery = z.strictObject({
  estimate: z.enum(["true", "false"]).default("false").describe("true: only tells what the job would take"),
});
const listQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  from: z.string().max(500).optional().describe("`next` of the answer before"),
});

/** `/v1/jobs`: packages on their way, in the shapes of the founding system. */
export function createJobs(options: JobRoutesOptions): Protocol {
  let live = 0;

  async function submitted({ request, query, call, base }: RouteCall): Promise<Response> {
    if (!options.acceptsJobs) throw new GyreError("BadRequest", "No jobs are currently being accepted.");
    const job = await readJob(request, BODY_BYTES);
    const input = await packageInputOf(job, await options.boundaries(), await options.processors(), call);
    const [runs, flows] = [await options.runs(), await options.flows()];
    if (query.estimate === "true") return uncachedJson(await runs.estimate(flows.package, input, call));
    const key = keyOf(request);
    const { id, isNew } = await runs.start(flows.package, input, call, key === undefined ? {} : { id: key });
    if (!isNew && !isSamePackage(input, inputOf(await found(id, call)))) {
      throw new GyreError("Invalid", "this Idempotency-Key came with another job", { subject: "Idempotency-Key" });
    }
    return uncachedJson({ job_id: id }, 202, { Location: jobUrl(id, base) });
  }

  async function one(route: RouteCall): Promise<Response> {
    const run = await found(route.params.id ?? "", route.call);
    if (favourite(route.request, [JSON_TYPE, SSE]) === SSE) return streamed(route);
    return uncachedJson(await jobOf(run, await options.runs(), route.call), 200, { Vary: "Accept" });
  }

  async function streamed({ request, params: { id = "" }, call }: RouteCall): Promise<Response> {
    const headers = { "Content-Type": SSE, "Cache-Control": "no-store", Vary: "Accept", "X-Accel-Buffering": "no" };
    if (request.method === "HEAD") return new Response(null, { headers });
    if (live >= MOST_LIVE) throw new GyreError("Busy", `${MOST_LIVE} listen already`, { retryAfter: 30 });
    const left = new AbortController();
    const watching = { ...call, signal: AbortSignal.any([left.signal, request.signal]) };
    const runs = await options.runs();
    const states = await runs.watch(id, watching);
    if (states === undefined) throw unknown(id);
    live++;
    const body = beating(jobsOf(states, runs, watching), eventOf, ":\n\n", () => {
      live--;
      left.abort();
    });
    return new Response(body, { headers });
  }

  async function cancelled({ params: { id = "" }, call }: RouteCall): Promise<Response> {
    const run = await found(id, call);
    const runs = await options.runs();
    await runs.cancel(run.id, call);
    return uncachedJson(await jobOf(await found(id, call), runs, call));
  }

  async function listed({ query, call, base }: RouteCall): Promise<Response> {
    const { limit, from } = query;
    const filter = { flow: "package", limit: Number(limit), ...(from === undefined ? {} : { from }) };
    const { runs, next } = options.acceptsJobs ? await (await options.runs()).list(filter, call) : { runs: [] };
    const jobs = runs.map((run) => summaryOf(run, base));
    return uncachedJson({ jobs, ...(next === undefined ? {} : { next }) });
  }

  /** Throws NotFound, with the founding system's text, also for runs that are no jobs. */
  async function found(id: string, call: Call): Promise<RunDetail> {
    const run = options.acceptsJobs ? await (await options.runs()).get(id, call) : undefined;
    if (run?.flow !== "package") throw unknown(id);
    return run;
  }

  return {
    name: "jobs",
    summary: "Jobs that make data packages",
    conformsTo: [],
    routes: [
      {
        method: "POST",
        path: PATH,
        summary: "Have datasets put into the package of a boundary",
        query: submitQuery,
        body: { [JSON_TYPE]: jobBody, [FORM_TYPE]: jobBody },
        responses: SUBMITTED,
        role: "write",
        handle: submitted,
      },
      { ...reading(PATH, "Jobs, the newest first", listed), query: listQuery },
      { ...reading(ONE, "A job: how far each processor is; with Accept: text/event-stream as it goes", one) },
      { ...reading(ONE, "Cancel a job", cancelled), method: "DELETE", role: "write" },
    ],
  };
}

const SUBMITTED: Route["responses"] = {
  200: { description: "What the job would take (estimate)", types: [JSON_TYPE] },
  202: { description: "The job is on its way", types: [JSON_TYPE] },
  400: { description: "No such boundary or processor, or no jobs are accepted" },
  422: { description: "A processor is named twice, or the body is no job" },
};

function reading(path: string, summary: string, handle: Route["handle"]): Route {
  return {
    method: "GET",
    path,
    summary,
    responses: {
      200: { description: summary, types: [JSON_TYPE, SSE] },
      404: { description: "There is no such job" },
      409: { description: "It has ended" },
    },
    role: "read",
    handle,
  };
}

/** The run that a client's key stands for; keys never reach the names of runs of others. */
function keyOf(request: Request): string | undefined {
  const key = request.headers.get("idempotency-key");
  if (key === null) return undefined;
  const [, plain = ""] = /^"?([A-Za-z0-9_-]{1,100})"?$/.exec(key) ?? [];
  if (plain === "") {
    throw new GyreError("BadRequest", "Idempotency-Key has 1 to 100 of A-Z a-z 0-9 _ -", {
      subject: "Idempotency-Key",
    });
  }
  return `job-${plain}`;
}

/** The job whenever it differs from what was told before. */
async function* jobsOf(states: AsyncIterable<RunDetail>, runs: Runs, call: Call): AsyncGenerator<string> {
  let last = "";
  for await (const run of states) {
    const text = JSON.stringify(await jobOf(run, runs, call));
    if (text !== last) yield text;
    last = text;
  }
}

function eventOf(job: string): string {
  return `event: job\ndata: ${job}\n\n`;
}

/** A line of the list: no parts are read for it. */
function summaryOf(run: Run, base: URL): object {
  const { boundary, processors } = inputOf(run);
  const isGoing = run.state === "queued" || run.state === "running";
  return {
    job_id: run.id,
    boundary_name: boundary.name,
    processors,
    job_group_status: (isGoing ? "PENDING" : "COMPLETE") satisfies Job["job_group_status"],
    job_group_percent_complete: isGoing ? Math.min(99, Math.floor(run.progress.percent ?? 0)) : 100,
    created: run.created,
    ...(run.ended === undefined ? {} : { ended: run.ended }),
    links: [{ rel: "self", href: jobUrl(run.id, base), type: JSON_TYPE }],
  };
}

function jobUrl(id: string, base: URL): string {
  return `${base.href}${PATH.slice(1)}/${encodeURIComponent(id)}`;
}

function unknown(id: string): GyreError {
  return new GyreError("NotFound", `Job not found: ${id}`, { subject: id });
}
