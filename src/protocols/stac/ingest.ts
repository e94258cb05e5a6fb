import type { Payload } from "../../core/event.ts";
import { readBody } from "../json-body.ts";
import type { Protocol, Route, RouteCall } from "../protocol.ts";
import type { StacOptions } from "./context.ts";
import { answerWrite } from "./transactions.ts";
import { writeRoute } from "./write-routes.ts";

/**
 * The founding system's ingest API, for clients that have it built in: `POST /{collection}/items` echoes what it took.
 * Everything else about a write is as the Transaction extension has it: the same checks, statuses and events.
 */
export function createIngest(options: StacOptions): Protocol {
  const write = (method: Payload["method"], path: string, summary: string): Route =>
    writeRoute(method, path, "item", summary, (call) => echoed(call, options, method));
  return {
    name: "ingest",
    summary: "The founding system's ingest API",
    conformsTo: [],
    routes: [
      write("POST", "/:collection/items", "Publish an item or an ItemCollection"),
      write("PUT", "/:collection/items/:item", "Replace an item"),
      write("PATCH", "/:collection/items/:item", "Change an item"),
      write("DELETE", "/:collection/items/:item", "Remove an item"),
      {
        method: "GET",
        path: "/healthcheck",
        summary: "Answers as long as the process is alive",
        responses: { 200: { description: "Alive", types: ["application/json"] } },
        role: "read",
        handle: async () => Response.json({ healthcheck: true }),
      },
    ],
  };
}

async function echoed(route: RouteCall, options: StacOptions, method: Payload["method"]): Promise<Response> {
  const { url, headers, signal } = route.request;
  if (method === "DELETE") return answerWrite(route, options, method);
  const body = await readBody(route.request, options.bodyBytes);
  const request = new Request(url, { method, headers, signal, body });
  const answer = await answerWrite({ ...route, request }, options, method);
  if (!answer.ok) return answer;
  answer.headers.set("Content-Type", "application/json");
  answer.headers.set("Content-Length", String(body.byteLength));
  return new Response(body, { status: answer.status === 204 ? 200 : answer.status, headers: answer.headers });
}
