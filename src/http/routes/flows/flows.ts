import { z } from "zod";
import { GyreError } from "../../../errors.ts";
import type { RunDetail, RunFilter, RunState, Runs } from "../../../flows/runs.ts";
import { favourite } from "../../../protocols/accept.ts";
import type { Protocol, Route, RouteCall } from "../../../protocols/protocol.ts";
import { uncachedJson as json } from "../json-reply.ts";
import { provenanceOf } from "./provenance.ts";
import { publicDetail, publicRun } from "./public-run.ts";
import { runUrl, shownDetail, shownRun, shownWorker } from "./shown.ts";
import { createRunStreams } from "./streams.ts";

export interface FlowsOptions {
  runs(): Promise<Runs>;
}

export const JSON_TYPE = "application/json";
export const SSE = "text/event-stream";
const ONE = "/flows/:id";
const STATES = ["queued", "running", "succeeded", "failed", "cancelled"] as const satisfies readonly RunState[];

const listQuery = z.strictObject({
  flow: z.string().max(200).optional().describe("name of the flow"),
  state: z
    .string()
    .max(100)
    .transform((text) => text.split(","))
    .pipe(z.array(z.enum(STATES)))
    .optional()
    .describe(`some of ${STATES.join(", ")}, with commas between`),
  children: z
    .enum(["true", "false"])
    .transform((text) => text === "true")
    .optional()
    .describe("also runs that are parts of others"),
  after: z.iso.datetime({ offset: true }).optional().describe("created at this time or later"),
  before: z.iso.datetime({ offset: true }).optional().describe("created before this time"),
  limit: z.coerce.number().int().min(1).max(1000).optional(),
  from: z.string().max(1000).optional().describe("as the link `next` of the answer before has it"),
});
const params = z.object({ id: z.string().min(1).max(500) });

/** `/flows`: runs of flows, for whoever operates the node. */
export function createFlows({ runs }: FlowsOptions): Protocol {
  const streams = createRunStreams(runs);

  async function listed({ request, query, call, base }: RouteCall): Promise<Response> {
    const { runs: found, next } = await (await runs()).list(filterOf(query), call);
    const self = `${base.href}flows`;
    return json({
      runs: found.map((run) => shownRun(publicRun(run), base)),
      links: [
        { rel: "self", href: self, type: JSON_TYPE },
        ...(next === undefined ? [] : [{ rel: "next", href: nextUrl(self, request, next), type: JSON_TYPE }]),
      ],
    });
  }

  async function one(route: RouteCall): Promise<Response> {
    if (favourite(route.request, [JSON_TYPE, SSE]) === SSE) return streams.answer(route);
    return json(shownDetail(await found(route), route.base), 200, { Vary: "Accept" });
  }

  async function found({ params: { id = "" }, call }: RouteCall): Promise<RunDetail> {
    const run = await (await runs()).get(id, call);
    if (run === undefined) throw unknownRun(id);
    return publicDetail(run);
  }

  /** What was asked for is kept when this answers; how far it is stands in the run. */
  async function told(route: RouteCall, act: "cancel" | "retry"): Promise<Response> {
    const { id = "" } = route.params;
    await (await runs())[act](id, route.call);
    return json(shownDetail(await found(route), route.base), 202, { Location: runUrl(route.base, id) });
  }

  return {
    name: "flows",
    summary: "Runs of durable flows: steps, progress, provenance; cancelled, retried, forgotten",
    conformsTo: [],
    routes: [
      { ...route("GET", "/flows", "Runs, the newest first", listed), params: z.object({}), query: listQuery },
      {
        ...route("GET", "/flows/workers", "Processes that work on flows", async ({ call }) =>
          json({ workers: (await (await runs()).workers(call)).map(shownWorker) }),
        ),
        params: z.object({}),
      },
      route("GET", ONE, "A run: its steps, tries, logs, what it read and made; or how it goes on, live", one, [
        JSON_TYPE,
        SSE,
      ]),
      route("GET", `${ONE}/events`, "How a run goes on, as server-sent events", streams.answer, [SSE]),
      route("GET", `${ONE}/provenance`, "Where results come from, as W3C PROV-JSON", async (call) =>
        json(provenanceOf(await found(call), call.base)),
      ),
      route("POST", `${ONE}/cancel`, "Stop a run and its children", (call) => told(call, "cancel")),
      route("POST", `${ONE}/retry`, "Run again from the first step that failed", (call) => told(call, "retry")),
      route("DELETE", ONE, "Forget a run that has ended", async ({ params: { id = "" }, call }) => {
        await (await runs()).delete(id, call);
        return new Response(null, { status: 204 });
      }),
    ],
  };
}

function route(
  method: Route["method"],
  path: string,
  summary: string,
  handle: Route["handle"],
  types: readonly string[] = [JSON_TYPE],
): Route {
  const isRead = method === "GET";
  const conflict: Route["responses"] = isRead ? {} : { 409: { description: "Its state does not allow that" } };
  const ok = {
    [isRead ? 200 : method === "POST" ? 202 : 204]: { description: summary, ...(method === "DELETE" ? {} : { types }) },
  };
  return {
    method,
    path,
    summary,
    params,
    responses: {
      ...ok,
      404: { description: "There is no such run" },
      ...conflict,
      503: { description: "The database cannot be reached" },
    },
    role: isRead ? "read" : "write",
    handle,
  };
}

function filterOf(query: RouteCall["query"]): RunFilter {
  const { state, after, before, ...rest } = query as z.output<typeof listQuery>;
  return {
    ...(Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) as RunFilter),
    ...(state === undefined ? {} : { states: state }),
    ...(after === undefined ? {} : { after: new Date(after) }),
    ...(before === undefined ? {} : { before: new Date(before) }),
  };
}

function nextUrl(self: string, request: Request, from: string): string {
  const query = new URL(request.url).searchParams;
  query.set("from", from);
  return `${self}?${query}`;
}

/** No run has this id. */
export function unknownRun(id: string): GyreError {
  return new GyreError("NotFound", `there is no run ${id}`, { subject: id });
}
