import { z } from "zod";
import { html } from "../../../core/html.ts";
import type { Call } from "../../../core/principal.ts";
import { GyreError } from "../../../errors.ts";
import { filesOf } from "../../../flows/packages/datapackage.ts";
import { packageArchive } from "../../../flows/packages/package-archive.ts";
import type { PackagedFile, PackageStore } from "../../../flows/packages/package-store.ts";
import { conditionsOf, precondition, rangeOf, toResponse } from "../../../protocols/conditional.ts";
import { pageResponse } from "../../../protocols/page.ts";
import type { Protocol, Route, RouteCall } from "../../../protocols/protocol.ts";

export interface PackageFileRoutesOptions {
  store(): Promise<PackageStore>;
}

const PATH = "/packages";
const INDEX = "index.html";
const NAME = "[a-z0-9_-]+";
/** Pages bring their style and run nothing; so does what a processor may have left that a browser would show. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

const archiveQuery = z.strictObject({
  datasets: z
    .string()
    .regex(/^[a-z0-9_]+\.[a-z0-9_]+(?:,[a-z0-9_]+\.[a-z0-9_]+)*$/, "is no list of dataset.version")
    .max(4000)
    .optional()
    .describe("only these, as dataset.version,dataset.version"),
});

/** `/packages`: the files of all packages, and each package as one archive. */
export function createPackageFiles({ store: opened }: PackageFileRoutesOptions): Protocol {
  async function listed({ request, base, call }: RouteCall): Promise<Response> {
    const names = await Array.fromAsync((await opened()).list(call));
    const items = names.map(
      (
        name,
      ) => html`<li><a href="${base.href}packages/${name}/">${name}</a> <a class="soft" href="${base.href}packages/${name}.zip">ZIP</a></li>
`,
    );
    return pageResponse(request, {
      title: "Data packages",
      base,
      crumbs: [{ text: "packages" }],
      main: names.length === 0 ? html`<p>There are none yet.</p>` : html`<ul class="list">\n${items}</ul>`,
    });
  }

  async function file({ request, params, call, base }: RouteCall): Promise<Response> {
    const { boundary = "", path = "" } = params;
    const store = await opened();
    const found = await store.file(boundary, path === "" || path.endsWith("/") ? path + INDEX : path, call);
    if (found !== undefined) return fileResponse(request, found, path, call);
    const elsewhere = await placeOf(store, boundary, path, call);
    if (elsewhere === undefined) {
      throw new GyreError("NotFound", `Package ${boundary} has no file ${path}`, { subject: path });
    }
    return redirect(`${base.href}packages/${boundary}/${elsewhere}`, 302);
  }

  async function archive({ request, params, query, call }: RouteCall): Promise<Response> {
    const boundary = (params.file ?? "").replace(/\.zip$/, "");
    const made = await packageArchive(await opened(), boundary, query.datasets?.split(","), call);
    if (made === undefined) throw new GyreError("NotFound", `Package ${boundary} not found`, { subject: boundary });
    const headers = {
      "Content-Type": "application/zip",
      "Content-Disposition": `attachment; filename="${boundary}.zip"`,
      "Cache-Control": "no-cache",
      ...(made.length === undefined ? {} : { "Content-Length": String(made.length) }),
    };
    if (request.method === "HEAD") return new Response(null, { headers });
    return new Response(ReadableStream.from(made.open({ signal: call.signal })), { headers });
  }

  const route = (path: string, summary: string, handle: Route["handle"], responses: Route["responses"]): Route => ({
    ...{ method: "GET", path, summary, role: "read", handle, responses },
  });
  const none = { 404: { description: "There is no such package, or it does not name the file" } };
  const fileRoute = (path: string, summary: string): Route =>
    route(path, summary, file, {
      200: { description: "The file", types: ["*/*"] },
      206: { description: "A range of it", types: ["*/*"] },
      302: { description: "Where it is now" },
      ...none,
    });
  const page = { 200: { description: "Packages", types: ["text/html"] } };
  return {
    name: "package-files",
    summary: "Files of data packages",
    conformsTo: [],
    routes: [
      route(PATH, "Page of all packages", listed, page),
      route(`${PATH}/`, "Page of all packages", listed, page),
      {
        ...route(`${PATH}/:file{${NAME}[.]zip}`, "A package as a ZIP archive, streamed while it is made", archive, {
          200: { description: "The archive", types: ["application/zip"] },
          ...none,
        }),
        query: archiveQuery,
      },
      route(
        `${PATH}/:boundary{${NAME}}`,
        "To the page of a package",
        async ({ params, base }) => redirect(`${base.href}packages/${params.boundary}/`, 308),
        { 308: { description: "The same with a slash at its end" } },
      ),
      fileRoute(`${PATH}/:boundary{${NAME}}/`, "Page of a package"),
      fileRoute(`${PATH}/:boundary{${NAME}}/:path{.+}`, "A file of a package, or a range of one"),
    ],
  };
}

/**
 * Where a file is that the package has, but not at this path: a folder wants its slash, and a data file that was
 * replaced keeps its first address.
 */
async function placeOf(store: PackageStore, boundary: string, path: string, call: Call): Promise<string | undefined> {
  if (path.endsWith("/") || path === "") return undefined;
  if ((await store.file(boundary, `${path}/${INDEX}`, call)) !== undefined) return `${path}/`;
  const datapackage = await store.datapackage(boundary, call);
  const files = datapackage === undefined ? [] : filesOf(datapackage);
  return files.find((file) => file.path.replace(/(^|\/)[0-9a-f]{16}\/(?=[^/]*$)/, "$1") === path)?.path;
}

function fileResponse(
  request: Request,
  { info, mediaType, hash, read }: PackagedFile,
  path: string,
  { signal }: Call,
): Response {
  const { size, etag, modified } = info;
  const conditions = conditionsOf(request);
  const headers: Record<string, string> = {
    "Content-Type": mediaType,
    // Of a data file, which people keep: under its own name.
    ...(hash === undefined ? {} : { "Content-Disposition": `attachment; filename="${path.replace(/^.*\//, "")}"` }),
    ...(etag === undefined ? {} : { ETag: etag }),
    ...(modified === undefined ? {} : { "Last-Modified": modified.toUTCString() }),
    "Content-Security-Policy": POLICY,
    // A path may come to hold another file when the one before has been gone for long.
    "Cache-Control": "no-cache",
    "Accept-Ranges": "bytes",
  };
  const decided = precondition(conditions, headers);
  if (decided !== undefined) return toResponse(decided);
  const isWhole = conditions.ifRange !== undefined && conditions.ifRange !== etag;
  const range = conditions.range === undefined || isWhole ? undefined : rangeOf(conditions.range, size);
  if (range === "unsatisfiable") {
    return new Response(null, { status: 416, headers: { "Content-Range": `bytes */${size}` } });
  }
  const offset = range?.first ?? 0;
  const length = range === undefined ? size : range.last + 1 - range.first;
  if (range !== undefined) headers["Content-Range"] = `bytes ${range.first}-${range.last}/${size}`;
  headers["Content-Length"] = String(length);
  const body = conditions.isHead
    ? null
    : (read({ offset, length }, { signal }) as ReadableStream<Uint8Array<ArrayBuffer>>);
  return new Response(body, { status: range === undefined ? 200 : 206, headers });
}

function redirect(location: string, status: 302 | 308): Response {
  return new Response(null, { status, headers: { Location: location, "Cache-Control": "no-cache" } });
}
