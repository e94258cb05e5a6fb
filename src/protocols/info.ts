import { arch, endianness, release, type as system } from "node:os";
import { z } from "zod";
import type { Opened } from "../core/access.ts";
import type { Json } from "../core/array.ts";
import { scalarToJson } from "../core/attrs.ts";
import type { CubeReport } from "../core/cube.ts";
import { GyreError } from "../errors.ts";
import { datasetPage } from "./dataset-page.ts";
import { type GroupSummary, summarize, toDict, toInfo } from "./dataset-summary.ts";
import { jsonResponse, jsonStream } from "./document.ts";
import { pageResponse } from "./page.ts";
import { datasetUrl, openDataset, type Protocol, type Route, type RouteCall } from "./protocol.ts";
import { publicReport } from "./public-report.ts";

export interface InfoOptions {
  readonly version: string;
  /** What is plugged in, by name: formats, codecs, protocols. */
  readonly plugins: ReadonlyMap<string, { readonly path: string; readonly version: string }>;
  /** Those whose links the page of a dataset shows. */
  readonly protocols: readonly Protocol[];
  /** What the node serves; local files are named relative to these, and never with the folders above. */
  readonly roots?: readonly URL[];
}

const JSON_RESPONSES: Route["responses"] = {
  200: { description: "A JSON document", types: ["application/json"] },
  304: { description: "The client has it" },
  404: { description: "No such dataset or group" },
};
const PAGE_RESPONSES: Route["responses"] = { ...JSON_RESPONSES, 200: { description: "A page", types: ["text/html"] } };

/** Listings and metadata in xpublish's shapes, and the pages for people. */
export function createInfo(options: InfoOptions): Protocol {
  const get = (path: string, summary: string, handle: Route["handle"], isPage = false): Route => ({
    method: "GET",
    path,
    summary,
    responses: isPage ? PAGE_RESPONSES : JSON_RESPONSES,
    role: "read",
    handle,
  });
  const page =
    (withGroups: boolean): Route["handle"] =>
    (call) =>
      answerPage(call, options, withGroups);
  return {
    name: "info",
    summary: "Datasets, their metadata and pages",
    conformsTo: [],
    routes: [
      { ...get("/datasets", "Ids of all datasets", listing), query: z.strictObject({ prefix: z.string().optional() }) },
      get("/datasets/:id", "Leads to the page of the dataset", toPage, true),
      get("/datasets/:id/", "Page of a dataset", page(false), true),
      get("/datasets/:id/tree", "Page of a dataset with all of its groups", page(true), true),
      get("/datasets/:id/keys", "Names of variables", (call) => answerGroup(call, toKeys)),
      get("/datasets/:id/dict", "Schema without values, as xarray's to_dict", (call) => answerGroup(call, toDict)),
      get("/datasets/:id/info", "Dimensions, variables, attributes; chunks and sizes", (call) =>
        answerGroup(call, (summary, opened) => about(summary, opened, options.roots)),
      ),
      get("/datasets/:id/groups", "Paths of all groups", groups),
      get("/datasets/:id/groups/:group", "Page of a group; / is written ~, and ~ twice", page(false), true),
      get("/datasets/:id/groups/:group/keys", "Names of variables of a group", (call) => answerGroup(call, toKeys)),
      get("/datasets/:id/groups/:group/dict", "Schema of a group", (call) => answerGroup(call, toDict)),
      get("/datasets/:id/groups/:group/info", "Dimensions, variables, attributes of a group", (call) =>
        answerGroup(call, toInfo),
      ),
      get("/versions", "Versions of this node and what it stands on", async ({ request }) =>
        jsonResponse(request, versions(options.version)),
      ),
      get("/plugins", "What is plugged in", async ({ request }) =>
        jsonResponse(request, Object.fromEntries(options.plugins)),
      ),
    ],
    links: (id, _dataset, base) => [
      { rel: "alternate", href: datasetUrl(base, id, ""), type: "text/html", title: "Page of the dataset" },
    ],
  };
}

/** More ids than this go out as they are found. */
const GATHERED = 10_000;

async function listing({ request, query, access, call }: RouteCall): Promise<Response> {
  const listed = access.list(call, query)[Symbol.asyncIterator]();
  const ids: string[] = [];
  for (let next = await listed.next(); !next.done; next = await listed.next()) {
    if (ids.push(next.value) > GATHERED) return jsonStream(request, listText(ids, listed));
  }
  return jsonResponse(request, ids);
}

/** A JSON list whose first entries are known. */
async function* listText(first: readonly string[], rest: AsyncIterator<string>): AsyncGenerator<string> {
  yield JSON.stringify(first).slice(0, -1);
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield `,${JSON.stringify(next.value)}`;
  yield "]";
}

async function toPage({ params, access, call, base }: RouteCall): Promise<Response> {
  const { id } = await openDataset(access, params.id ?? "", call);
  return new Response(null, { status: 308, headers: { Location: datasetUrl(base, id, "") } });
}

async function groups({ request, params, access, call }: RouteCall): Promise<Response> {
  const { dataset } = await openDataset(access, params.id ?? "", call);
  return jsonResponse(request, ["/", ...[...dataset.groups.keys()].map((path) => `/${path}`)]);
}

async function answerGroup(
  route: RouteCall,
  describe: (group: GroupSummary, opened: Opened) => unknown,
): Promise<Response> {
  const { request, params, access, call, base } = route;
  const { id = "", group } = params;
  const opened = await openDataset(access, id, call);
  const summary = summarize(opened.dataset, groupPath(group));
  if (summary === undefined) throw noGroup(id, group);
  return withCanonical(jsonResponse(request, describe(summary, opened)), opened, id, base);
}

async function answerPage(route: RouteCall, { protocols, roots }: InfoOptions, withGroups: boolean): Promise<Response> {
  const { request, params, access, call, base } = route;
  const { id = "", group } = params;
  const opened = await openDataset(access, id, call);
  const links = protocols.flatMap((protocol) => protocol.links?.(opened.id, opened.dataset, base) ?? []);
  const page = datasetPage({ opened, base, path: groupPath(group), withGroups, links, roots });
  if (page === undefined) throw noGroup(id, group);
  return withCanonical(pageResponse(request, page), opened, id, base);
}

/** An alias says where the dataset has its proper address. */
function withCanonical(response: Response, opened: Opened, id: string, base: URL): Response {
  if (opened.id !== id) response.headers.append("Link", `<${datasetUrl(base, opened.id, "")}>; rel="canonical"`);
  return response;
}

/** `a~b` is the group `a/b`, `a~~b` the group `a~b`. */
function groupPath(segment: string | undefined): string {
  return (segment ?? "").replace(/~~|~/g, (mark) => (mark === "~" ? "/" : "~"));
}

function noGroup(id: string, group: string | undefined): GyreError {
  return new GyreError("NotFound", `${id} has no group ${groupPath(group)}`, { subject: group ?? "" });
}

function toKeys({ variables }: GroupSummary): Json {
  return variables.map(({ name }) => name);
}

function about(summary: GroupSummary, { id, dataset }: Opened, roots: readonly URL[] | undefined): unknown {
  const { format, version } = dataset;
  const { cube, problems } = publicReport(dataset, roots);
  return {
    ...toInfo(summary),
    id,
    format,
    version,
    problems,
    ...(cube === undefined ? {} : { cube: cubeToJson(cube) }),
  };
}

function cubeToJson(cube: CubeReport): unknown {
  const gaps = cube.gaps.map(({ dimension, after, before }) => ({
    dimension,
    after: scalarToJson(after),
    before: scalarToJson(before),
  }));
  return { ...cube, gaps };
}

function versions(version: string): Json {
  const { node, v8, openssl, zlib, zstd } = process.versions;
  return {
    gyre: version,
    node,
    v8: v8 ?? null,
    openssl: openssl ?? null,
    zlib: zlib ?? null,
    zstd: zstd ?? null,
    OS: system(),
    "OS-release": release(),
    machine: arch(),
    byteorder: endianness() === "LE" ? "little" : "big",
  };
}
