import { Hono } from "hono";
import type { z } from "zod";
import type { Access } from "../core/access.ts";
import { ANONYMOUS } from "../core/principal.ts";
import { GyreError, isGyreError } from "../errors.ts";
import type { Protocol, Route } from "../protocols/protocol.ts";
import { type BaseOptions, baseOf } from "./base.ts";
import { compressed, plainTags } from "./compress.ts";
import { openapi } from "./openapi.ts";
import { problem, problemOf } from "./problem.ts";

export interface AppOptions extends BaseOptions {
  readonly access: Access;
  readonly protocols: readonly Protocol[];
  readonly version: string;
  /** Told of errors that are no fault of the client. */
  readonly onError?: (error: unknown, request: Request) => void;
}

/** On every answer: whoever may read this node may read it from a page. */
export const CORS: Readonly<Record<string, string>> = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Expose-Headers":
    "Content-Length, Content-Range, Content-Encoding, ETag, Last-Modified, Link, Retry-After, Gyre-Source",
};
const PREFLIGHT: Readonly<Record<string, string>> = {
  "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
  "Access-Control-Allow-Headers": "*",
  "Access-Control-Max-Age": "86400",
};

/** A function from requests to answers that knows every protocol; needs no socket. */
export function createApp(options: AppOptions): (request: Request) => Promise<Response> {
  const app = new Hono();
  const routes = options.protocols.flatMap((protocol) => protocol.routes.map((route) => ({ protocol, route })));
  for (const { protocol, route } of routes) {
    app.on(route.method, route.path, (context) => answer(protocol, route, context.req.raw, context.req.param()));
  }
  app.get("/openapi.json", (context) =>
    jsonResponse(openapi(options.protocols, options.version, baseOf(context.req.raw, options))),
  );
  app.notFound((context) => notFound(context.req.raw, routes));
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
      return await route.handle({
        request,
        params: checked(route.params, params, "path") as Record<string, string>,
        query: checked(route.query, queryOf(request), "query") as Record<string, string>,
        access: options.access,
        call: { signal: request.signal, who: ANONYMOUS },
        base: baseOf(request, options),
      });
    } catch (error) {
      if (request.signal.aborted) return new Response(null, { status: 499 });
      if (!isGyreError(error) || error.tag === "BadSource") options.onError?.(error, request);
      return protocol.error?.(error, request) ?? problemOf(error);
    }
  }

  return async (request) => {
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: { ...CORS, ...PREFLIGHT } });
    const tags = request.headers.get("if-none-match");
    const plain = tags === null ? request : withHeader(request, "if-none-match", plainTags(tags));
    const response = await compressed(request, await app.fetch(plain));
    for (const [name, value] of Object.entries(CORS)) response.headers.set(name, value);
    return response;
  };
}

function withHeader(request: Request, name: string, value: string): Request {
  if (request.headers.get(name) === value) return request;
  const headers = new Headers(request.headers);
  headers.set(name, value);
  return new Request(request, { headers });
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
  if (schema === undefined) return values;
  const result = schema.safeParse(values);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new GyreError(
    "BadRequest",
    `${where} parameter ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is wrong"}`,
    {
      subject: String(issue?.path[0] ?? ""),
    },
  );
}

function notFound(request: Request, routes: readonly { readonly route: Route }[]): Response {
  if (request.method !== "GET" && request.method !== "HEAD") {
    const response = problem(405, `${request.method} is not answered here`, { allowed: ["GET", "HEAD", "OPTIONS"] });
    response.headers.set("Allow", "GET, HEAD, OPTIONS");
    return response;
  }
  const first = new URL(request.url).pathname.split("/")[1] ?? "";
  const near = [...new Set(routes.map(({ route }) => route.path))].filter((path) => path.split("/")[1] === first);
  return problem(404, `nothing is at ${new URL(request.url).pathname}`, near.length === 0 ? {} : { allowed: near });
}

function jsonResponse(value: unknown): Response {
  const body = new TextEncoder().encode(JSON.stringify(value));
  return new Response(body, {
    headers: { "Content-Type": "application/json", "Content-Length": String(body.byteLength) },
  });
}
