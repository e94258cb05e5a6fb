import { Hono } from "hono";
import type { z } from "zod";
import type { Access } from "../core/access.ts";
import { ANONYMOUS } from "../core/principal.ts";
import { GyreError, isGyreError } from "../errors.ts";
import { pathTemplate } from "../protocols/openapi.ts";
import type { Protocol, Route, RouteCall } from "../protocols/protocol.ts";
import { type Answer, counted } from "./answer.ts";
import { type BaseOptions, baseOf } from "./base.ts";
import { compressed, plainTags } from "./compress.ts";
import { onceMore } from "./once-more.ts";
import { problem, problemOf } from "./problem.ts";
import { checkWriter, type WriteRules } from "./write-guard.ts";

export interface AppOptions extends BaseOptions {
  readonly access: Access;
  readonly protocols: readonly Protocol[];
  /** Without it whoever reaches the node may write: for tests that need no socket. */
  readonly writes?: WriteRules;
  /** Told of errors that are no fault of the client. */
  readonly onError?: (error: unknown, request: Request) => void;
  /** Told of every request when its answer is through. */
  readonly onAnswer?: (answer: Answer) => void;
}

/** On every answer: whoever may read this node may read it from a page, and types are what they are said to be. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  "X-Content-Type-Options": "nosniff",
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Expose-Headers":
    "Content-Length, Content-Range, Content-Encoding, ETag, Last-Modified, Link, Location, Preference-Applied, Retry-After, Gyre-Source",
};
const PREFLIGHT: Readonly<Record<string, string>> = {
  "Access-Control-Allow-Headers": "*",
  "Access-Control-Max-Age": "86400",
};
/** Whether a request has a body is not asked of the request: to answer that it would make a stream first. */
const BODILESS = new Set(["GET", "HEAD"]);
/** Node refuses request lines and headers above 16 kB together; nobody needs that much in an address. */
const MOST_URL = 8192;

interface Matched {
  /** Path of the route that answers. */
  route: string;
}

/** A function from requests to answers that knows every protocol; needs no socket. */
export function createApp(options: AppOptions): (request: Request) => Promise<Response> {
  const app = new Hono<{ Bindings: { matched: Matched } }>();
  const routes = options.protocols.flatMap((protocol) => protocol.routes.map((route) => ({ protocol, route })));
  for (const { protocol, route } of routes) {
    const template = pathTemplate(route.path);
    app.on(route.method, route.path, (context) => {
      context.env.matched.route = template;
      return answer(protocol, route, context.req.raw, context.req.param());
    });
  }
  const declared = [...new Set(routes.map(({ route }) => route.method))];
  app.notFound((context) => {
    const { path, raw } = context.req;
    const methods = declared.filter((method) => app.router.match(method, path)[0].length > 0);
    return unanswered(raw, methods, routes);
  });
  app.onError((error, context) => {
    if (!isGyreError(error)) options.onError?.(error, context.req.raw);
    return problemOf(error);
  });

  async function answer(
    protocol: Protocol,
    route: Route,
    request: Request,
    params: Record<string, string>,
  ): Promise<Response> {
    try {
      const call: RouteCall = {
        request,
        params: checked(route.params, params, "path") as Record<string, string>,
        query: checked(route.query, queryOf(request), "query") as Record<string, string>,
        access: options.access,
        call: { signal: request.signal, who: ANONYMOUS },
        base: baseOf(request, options),
      };
      if (route.role !== "read" && options.writes !== undefined) checkWriter(request, call.base, options.writes);
      // A body can be read once only.
      return await (route.role === "read" && BODILESS.has(request.method)
        ? onceMore(() => route.handle(call))
        : route.handle(call));
    } catch (error) {
      if (request.signal.aborted) return new Response(null, { status: 499 });
      if (!isGyreError(error) || error.tag === "BadSource") options.onError?.(error, request);
      return protocol.error?.(error, request) ?? problemOf(error);
    }
  }

  return async (request) => {
    const started = performance.now();
    const matched: Matched = { route: "unknown" };
    const response =
      request.url.length > MOST_URL ? tooLong() : await compressed(request, await fetchPlain(request, matched));
    for (const [name, value] of Object.entries(COMMON_HEADERS)) response.headers.set(name, value);
    const { onAnswer } = options;
    if (onAnswer === undefined) return response;
    return counted(request, response, (bytes) =>
      onAnswer({
        method: request.method,
        route: matched.route,
        status: response.status,
        ms: performance.now() - started,
        bytes,
      }),
    );
  };

  function fetchPlain(request: Request, matched: Matched): Response | Promise<Response> {
    return app.fetch(withPlainTags(request), { matched });
  }
}

/** Protocols know the tags of plain forms alone. */
function withPlainTags(request: Request): Request {
  const coded = ["if-match", "if-none-match"].flatMap((name) => {
    const tags = request.headers.get(name);
    return tags === null || plainTags(tags) === tags ? [] : [[name, plainTags(tags)] as const];
  });
  if (coded.length === 0) return request;
  const headers = new Headers(request.headers);
  for (const [name, tags] of coded) headers.set(name, tags);
  const { url, method, signal, body } = request;
  // Of its parts: a request that came by a socket is none that the constructor would take.
  return new Request(url, { method, headers, signal, ...(body === null ? {} : { body, duplex: "half" }) });
}

function tooLong(): Response {
  return problem(414, `addresses may have ${MOST_URL} characters`);
}

/** Refuses repeated parameters: which of them counts would be a guess. */
function queryOf(request: Request): Record<string, string> {
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of new URL(request.url).searchParams) {
    if (name in query) throw new GyreError("BadRequest", `parameter ${name} is given twice`, { subject: name });
    query[name] = value;
  }
  return query;
}

function checked(schema: z.ZodType | undefined, values: Record<string, string>, where: string): unknown {
  for (const [name, value] of Object.entries(values)) {
    // No file and no database has such a name, and many a one fails over it.
    if (value.includes("\0"))
      throw new GyreError("BadRequest", `${where} parameter ${name} has a NUL`, { subject: name });
  }
  if (schema === undefined) return values;
  const result = schema.safeParse(values);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue?.code === "unrecognized_keys") {
    const names = issue.keys.join(", ");
    throw new GyreError("BadRequest", `there is no ${where} parameter ${names}`, { subject: names });
  }
  throw new GyreError(
    "BadRequest",
    `${where} parameter ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is wrong"}`,
    {
      subject: String(issue?.path[0] ?? ""),
    },
  );
}

/** Other methods than those declared for the path, preflight, and paths that nobody declared. */
function unanswered(
  request: Request,
  methods: readonly string[],
  routes: readonly { readonly route: Route }[],
): Response {
  // Where nothing is, a browser may come and see that.
  const known = methods.length === 0 ? ["GET"] : methods;
  const allowed = [...known, ...(known.includes("GET") ? ["HEAD"] : []), "OPTIONS"];
  const allow = allowed.join(", ");
  if (request.method === "OPTIONS") {
    return new Response(null, {
      status: 204,
      headers: { Allow: allow, "Access-Control-Allow-Methods": allow, ...PREFLIGHT },
    });
  }
  const path = new URL(request.url).pathname;
  if (methods.length > 0) {
    const response = problem(405, `${request.method} is not answered at ${path}`, { allowed });
    response.headers.set("Allow", allow);
    return response;
  }
  const first = path.split("/")[1] ?? "";
  const near = [...new Set(routes.map(({ route }) => pathTemplate(route.path)))].filter(
    (p) => p.split("/")[1] === first,
  );
  return problem(404, `nothing is at ${path}`, near.length === 0 ? {} : { allowed: near });
}
