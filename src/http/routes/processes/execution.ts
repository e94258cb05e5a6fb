import { z } from "zod";
import { GyreError } from "../../../errors.ts";
import type { AnyFlow } from "../../../flows/flow.ts";
import { readJson } from "../../../protocols/json-body.ts";
import { hasNamedInputs, WHOLE } from "./description.ts";

const BODY_BYTES = 16 * 1024 * 1024;

const QUALIFIERS: ReadonlySet<string> = new Set(["value", "mediaType", "encoding", "schema"]);

/** `execute.yaml`. */
export const executeBody = z.object({
  inputs: z.record(z.string().max(200), z.unknown()).default({}),
  outputs: z.record(z.string(), z.unknown()).optional(),
  response: z.enum(["document", "raw"]).optional(),
  subscriber: z.unknown().optional(),
});

/** Inputs of a request to execute (execute.yaml) as the flow takes them. Throws BadRequest for what is not offered. */
export async function readInputs(request: Request, flow: AnyFlow): Promise<unknown> {
  const parsed = executeBody.safeParse(await readJson(request, ["application/json"], BODY_BYTES));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new GyreError("BadRequest", `${issue?.path.join(".") || "the body"}: ${issue?.message}`);
  }
  const { inputs, response, subscriber } = parsed.data;
  if (response === "raw") {
    throw new GyreError("BadRequest", "results are documents: response raw is not offered", {
      subject: "response",
      allowed: ["document"],
    });
  }
  if (subscriber !== undefined) {
    throw new GyreError("BadRequest", "callbacks are not offered: listen to the job's events instead", {
      subject: "subscriber",
    });
  }
  const values = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, inlineValue(value)]));
  return hasNamedInputs(flow) ? values : values[WHOLE];
}

/** Of a qualified value (qualifiedInputValue.yaml), which objects must be, what it holds. */
function inlineValue(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value) || !("value" in value)) return value;
  const isQualified = Object.keys(value).every((key) => QUALIFIERS.has(key));
  return isQualified ? value.value : value;
}
