import type { Json } from "../core/array.ts";
import { favourite } from "./accept.ts";
import { jsonResponse } from "./document.ts";
import { openapi } from "./openapi.ts";
import { apiPage } from "./operations/api-page.ts";
import { HOME_QUERY, homePage } from "./operations/home-page.ts";
import { landing } from "./operations/landing.ts";
import { type Problem, problemsPage, publicProblem } from "./operations/problems.ts";
import { pageResponse } from "./page.ts";
import type { Protocol, Route, RouteCall } from "./protocol.ts";

/** Whether this node can answer for all of its sources yet, and how far it is. */
export interface Readiness {
  readonly isReady: boolean;
  /** For people: `scanning`, `ready`, why it will never be. */
  readonly detail: string;
  /** Counts, by name: what has been looked at, found, broken. */
  readonly progress?: { readonly [name: string]: number };
}

export interface OperationsOptions {
  readonly version: string;
  /** All other protocols of the node: what the API's description and the landing page are made of. */
  readonly protocols: readonly Protocol[];
  /** What the node serves; local files are named relative to these, and never with the folders above. */
  readonly roots?: readonly URL[];
  /** What programs find at the root instead of a list of links: the catalogue, where there is one. */
  landing?(call: RouteCall): Promise<Response>;
  problems(): readonly Problem[];
  ready(): Readiness;
  /** Prometheus text. */
  metrics(): string;
}

const OPENAPI = "application/vnd.oai.openapi+json;version=";
const RETRY_SECONDS = "2";
const UNCACHED = { "Cache-Control": "no-store" };
const BOTH = ["application/json", "text/html"] as const;

/** What whoever runs the node, and whoever comes to it for the first time, asks of it. */
export function createOperations(options: OperationsOptions): Protocol {
  const { version } = options;
  const get = (path: string, summary: string, types: readonly string[], handle: Route["handle"]): Route => ({
    method: "GET",
    path,
    summary,
    responses: { 200: { description: summary, types } },
    role: "read",
    handle,
  });
  const operations: Protocol = {
    name: "operations",
    summary: "The node itself: what it offers, how it is, what is wrong with its sources",
    conformsTo: [],
    routes: [
      {
        ...get("/", "The node: its datasets as a page, links as JSON", BOTH, home),
        query: HOME_QUERY,
      },
      get("/docs", "This API as a page", ["text/html"], (call) => docs(call, false)),
      get("/redoc", "This API as a page with everything open", ["text/html"], (call) => docs(call, true)),
      get(
        "/openapi.json",
        "This API as an OpenAPI document",
        ["application/json", `${OPENAPI}3.1`, `${OPENAPI}3.0`],
        describe,
      ),
      get("/problems", "Sources that cannot be read, and why", BOTH, problems),
      get("/healthz", "Answers as long as the process is alive", ["application/json"], async () =>
        status(200, { status: "alive", version }),
      ),
      {
        ...get("/readyz", "Whether all sources have been looked through once", ["application/json"], ready),
        responses: {
          200: { description: "Ready", types: ["application/json"] },
          503: { description: "The first look through the sources goes on", types: ["application/json"] },
        },
      },
      get("/metrics", "Measurements in Prometheus' text format", ["text/plain"], metrics),
    ],
  };
  const all = [...options.protocols, operations];

  async function home(call: RouteCall): Promise<Response> {
    const { request, base } = call;
    const isJson = favourite(request, BOTH) === "application/json";
    if (!isJson) return varying(pageResponse(request, await homePage(call, version)));
    return varying((await options.landing?.(call)) ?? jsonResponse(request, landing(all, version, base)));
  }

  async function describe({ request, base }: RouteCall): Promise<Response> {
    const accept = request.headers.get("accept") ?? "";
    const dialect = /openapi\+json *; *version=3\.0/.test(accept) ? "3.0" : "3.1";
    const response = jsonResponse(request, openapi(all, version, base, dialect));
    if (accept.includes("openapi+json")) response.headers.set("Content-Type", `${OPENAPI}${dialect}`);
    return varying(response);
  }

  async function docs({ request, access, call, base }: RouteCall, isOpen: boolean): Promise<Response> {
    let example: string | undefined;
    for await (const id of access.list(call)) {
      example = id;
      break;
    }
    return pageResponse(request, apiPage(openapi(all, version, base), { base, isOpen, example }));
  }

  async function problems({ request, base }: RouteCall): Promise<Response> {
    const found = options.problems().map((problem) => publicProblem(problem, options.roots));
    const isJson = favourite(request, BOTH) === "application/json";
    return varying(
      isJson ? jsonResponse(request, { problems: found }) : pageResponse(request, problemsPage(found, base)),
    );
  }

  async function ready(): Promise<Response> {
    const { isReady, detail, progress = {} } = options.ready();
    const body = { ready: isReady, detail, progress };
    return isReady ? status(200, body) : status(503, body, { "Retry-After": RETRY_SECONDS });
  }

  async function metrics(): Promise<Response> {
    return new Response(options.metrics(), {
      headers: { ...UNCACHED, "Content-Type": "text/plain; version=0.0.4; charset=utf-8" },
    });
  }

  return operations;
}

/** What may be otherwise in a moment: never kept. */
function status(code: number, body: Json, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), {
    status: code,
    headers: { ...UNCACHED, "Content-Type": "application/json", ...headers },
  });
}

function varying(response: Response): Response {
  response.headers.append("Vary", "Accept");
  return response;
}
