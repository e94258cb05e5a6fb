import type { Protocol, Route } from "../../protocols/protocol.ts";
import { uncachedJson } from "./json-reply.ts";

export interface HealthOptions {
  /** Whether packages can be made: rejects, or answers false, when not. */
  isReady(): Promise<boolean>;
}

/** `/v1/liveness` and `/v1/readiness`, as the founding system's watchers ask for them. */
export function createHealth({ isReady }: HealthOptions): Protocol {
  const get = (path: string, summary: string, responses: Route["responses"], handle: Route["handle"]): Route => ({
    ...{ method: "GET", path, summary, role: "read", handle },
    responses: { 200: { description: summary, types: ["application/json"] }, ...responses },
  });
  const notReady = {
    500: { description: "The database does not answer, or nobody works", types: ["application/json"] },
  };
  return {
    name: "health",
    summary: "Whether packages can be made here",
    conformsTo: [],
    routes: [
      get("/v1/liveness", "The process is alive", {}, async () => uncachedJson({ status: "alive" })),
      get("/v1/readiness", "The database answers, and jobs are worked on", notReady, async () =>
        (await isReady().catch(() => false))
          ? uncachedJson({ status: "ready" })
          : uncachedJson({ status: "not_ready" }, 500),
      ),
    ],
  };
}
