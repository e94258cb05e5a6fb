import { z } from "zod";
import { type ErrorTag, GyreError, HTTP_STATUS } from "../../../errors.ts";
import type { AnyFlow } from "../../../flows/flow.ts";
import type { Run, RunDetail, Runs } from "../../../flows/runs.ts";
import type { Protocol, Route, RouteCall } from "../../../protocols/protocol.ts";
import { problem } from "../../problem.ts";
import { publicDetail, publicRun } from "../flows/public-run.ts";
import { hasEnded } from "../flows/shown.ts";
import { uncachedJson as json } from "../json-reply.ts";
import { processDescription, processSummary } from "./description.ts";
import { exceptionOf, noSuchJob, noSuchProcess, resultNotReady } from "./exceptions.ts";
import { executeBody, readInputs } from "./execution.ts";
import { type JobsQuery, jobsQuery, listJobs } from "./job-list.ts";
import { jobUrl, resultsOf, statusInfo } from "./status.ts";

export interface ProcessesOptions {
  runs(): Promise<Runs>;
}

const CONF = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/";
const REL = "http://www.opengis.net/def/rel/ogc/1.0/";
const CLASSES = ["core", "ogc-process-description", "json", "job-list", "dismiss"].map((name) => `${CONF}${name}`);
const JSON_TYPE = "application/json";
const PROCESS = "/ogcapi/processes/:process";
const JOB = "/ogcapi/jobs/:job";

const limitQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).optional(),
  offset: z.coerce.number().int().min(0).optional(),
});

/** `/ogcapi`: OGC API - Processes, Part 1 (18-062r2), over the runs of public flows. */
export function createProcesses({ runs }: ProcessesOptions): Protocol {
  const publicFlows = async (): Promise<readonly AnyFlow[]> =>
    [...(await runs()).flows.values()].filter(({ isPublic }) => isPublic === true);

  async function flowOf({ params: { process = "" } }: RouteCall): Promise<AnyFlow> {
    const flow = (await publicFlows()).find(({ name }) => name === process);
    if (flow === undefined) throw noSuchProcess(process);
    return flow;
  }

  /** Parts of other runs, and runs of flows that are none of the processes, are no jobs. */
  async function isJob(): Promise<(run: Run) => boolean> {
    const names = new Set((await publicFlows()).map(({ name }) => name));
    return ({ flow, parent }) => parent === undefined && names.has(flow);
  }

  async function jobOf({ params: { job = "" }, call }: RouteCall): Promise<RunDetail> {
    const run = await (await runs()).get(job, call);
    if (run === undefined || !(await isJob())(run)) throw noSuchJob(job);
    return publicDetail(run);
  }

  async function listed({ query, base }: RouteCall): Promise<Response> {
    const all = await publicFlows();
    const { limit = all.length, offset = 0 } = query as z.output<typeof limitQuery>;
    const self = `${base.href}ogcapi/processes`;
    const end = offset + limit;
    return json({
      processes: all.slice(offset, end).map((flow) => processSummary(flow, rootOf(base))),
      links: [link("self", self), ...(end < all.length ? [link("next", `${self}?limit=${limit}&offset=${end}`)] : [])],
    });
  }

  async function executed(route: RouteCall): Promise<Response> {
    const flow = await flowOf(route);
    const { request, call, base } = route;
    const engine = await runs();
    const { id } = await engine.start(flow, await readInputs(request, flow), call);
    const run = await engine.get(id, call);
    if (run === undefined) throw noSuchJob(id);
    const isAsked = /\brespond-async\b/.test(request.headers.get("prefer") ?? "");
    return json(statusInfo(run, base), 201, {
      Location: jobUrl(base, id),
      ...(isAsked ? { "Preference-Applied": "respond-async" } : {}),
    });
  }

  async function jobs({ request, query, call, base }: RouteCall): Promise<Response> {
    const { runs: found, next } = await listJobs(await runs(), query as JobsQuery, await isJob(), call);
    const self = new URL(`${base.href}ogcapi/jobs${new URL(request.url).search}`);
    const onwards = new URL(self);
    if (next !== undefined) onwards.searchParams.set("from", next);
    return json({
      jobs: found.map((run) => statusInfo(publicRun(run), base)),
      links: [link("self", self.href), ...(next === undefined ? [] : [link("next", onwards.href)])],
    });
  }

  async function results(route: RouteCall): Promise<Response> {
    const { id, state, output, error } = await jobOf(route);
    if (state === "succeeded") return json(resultsOf(output ?? null));
    if (state === "cancelled") throw new GyreError("Gone", `job ${id} was dismissed`, { subject: id });
    if (state !== "failed") throw resultNotReady(id);
    // What the run failed with is no fault of this request, but its status is what the standard wants (7.13.4).
    const status = HTTP_STATUS[error?.tag as ErrorTag] ?? 500;
    return problem(status, error?.message ?? "the job failed");
  }

  async function dismissed(route: RouteCall): Promise<Response> {
    const run = await jobOf(route);
    const engine = await runs();
    await (hasEnded(run) ? engine.delete(run.id, route.call) : engine.cancel(run.id, route.call));
    return json(statusInfo(run, route.base, "dismissed"));
  }

  return {
    name: "processes",
    summary: "OGC API - Processes: what this node can do, and jobs that do it",
    conformsTo: CLASSES,
    error: exceptionOf,
    routes: [
      get("/ogcapi", "What is here", async ({ base }) => json(landing(base))),
      get("/ogcapi/conformance", "Conformance classes", async () => json({ conformsTo: CLASSES })),
      { ...get("/ogcapi/processes", "Processes", listed), query: limitQuery },
      get(PROCESS, "What a process takes and answers", async (route) =>
        json(processDescription(await flowOf(route), rootOf(route.base))),
      ),
      {
        ...post(`${PROCESS}/execution`, "Execute a process as a job", executed),
        responses: { 201: { description: "The job", types: [JSON_TYPE] }, ...REFUSED },
      },
      post(`${PROCESS}/estimate`, "What a job will take, before it is started", async (route) => {
        const flow = await flowOf(route);
        return json(await (await runs()).estimate(flow, await readInputs(route.request, flow), route.call));
      }),
      { ...get("/ogcapi/jobs", "Jobs, the newest first", jobs), query: jobsQuery },
      get(JOB, "How a job is", async (route) => json(statusInfo(await jobOf(route), route.base))),
      {
        ...get(`${JOB}/results`, "What a job answered", results),
        responses: {
          200: { description: "Outputs by name", types: [JSON_TYPE] },
          404: { description: "There is no such job, or it has not ended" },
          410: { description: "It was dismissed" },
        },
      },
      {
        ...get(JOB, "Stop a job; forget one that has ended", dismissed),
        method: "DELETE",
        role: "write",
      },
    ],
  };
}

const REFUSED: Route["responses"] = {
  400: { description: "Inputs that the process does not take" },
  404: { description: "There is no such process" },
  503: { description: "The database cannot be reached" },
};

function get(path: string, summary: string, handle: Route["handle"]): Route {
  return {
    method: "GET",
    path,
    summary,
    responses: {
      200: { description: summary, types: [JSON_TYPE] },
      404: { description: "There is no such thing" },
      503: { description: "The database cannot be reached" },
    },
    role: "read",
    handle,
  };
}

function post(path: string, summary: string, handle: Route["handle"]): Route {
  const responses = { 200: { description: summary, types: [JSON_TYPE] }, ...REFUSED };
  return {
    ...get(path, summary, handle),
    method: "POST",
    role: "write",
    body: { [JSON_TYPE]: executeBody },
    responses,
  };
}

function landing(base: URL): object {
  const root = `${base.href}ogcapi`;
  return {
    title: "Processes of this node",
    links: [
      link("self", root),
      { ...link("service-desc", `${base.href}openapi.json`), type: "application/vnd.oai.openapi+json;version=3.1" },
      { ...link("service-doc", `${base.href}docs`), type: "text/html" },
      link(`${REL}conformance`, `${root}/conformance`),
      link("conformance", `${root}/conformance`),
      link(`${REL}processes`, `${root}/processes`),
      link(`${REL}job-list`, `${root}/jobs`),
    ],
  };
}

function rootOf(base: URL): URL {
  return new URL("ogcapi/", base);
}

function link(rel: string, href: string): { readonly rel: string; readonly href: string; readonly type: string } {
  return { rel, href, type: JSON_TYPE };
}
