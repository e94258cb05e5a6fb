import type { Payload } from "../../core/event.ts";
import { GyreError } from "../../errors.ts";
import type { RouteCall } from "../protocol.ts";
import type { StacOptions } from "./context.ts";
import { answerToWrite } from "./write-answer.ts";
import { changesOf } from "./write-request.ts";

/**
 * Answers a write (Transaction extension): 202 when its event is durable; with `Prefer: wait` what became of it: its
 * status, with `return=representation` the document, with `return=minimal` nothing.
 */
export async function answerWrite(
  route: RouteCall,
  options: StacOptions,
  method: Payload["method"],
): Promise<Response> {
  const { writes } = options;
  if (writes === undefined) throw new GyreError("ReadOnly", "this catalogue only follows others and takes no writes");
  checkCondition(route.request, method);
  const { changes, isMany } = await changesOf(route, options, method);
  const statuses = await writes.accept(changes, route.call);
  return answerToWrite(route, { ...options, writes }, statuses, isMany);
}

/** POST replaces nothing, so that `If-None-Match` asks for what it does anyway; what changes a document needs one. */
function checkCondition({ headers }: Request, method: Payload["method"]): void {
  const condition = headers.get("if-none-match")?.trim();
  if (condition === undefined || method === "POST") return;
  if (condition === "*") {
    throw new GyreError(
      "PreconditionFailed",
      `${method} changes what is there, and If-None-Match: * wants that there is none`,
    );
  }
  throw new GyreError("BadRequest", "If-None-Match of a write is *; If-Match names the version to change", {
    subject: "If-None-Match",
  });
}
