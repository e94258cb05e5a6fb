import { GyreError, isGyreError } from "../../../errors.ts";
import { problem } from "../../problem.ts";

const TYPES = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/";
/** Exceptions that the standard names (7.11 to 7.13), as `details.type` has them. */
const NAMED = new Set(["no-such-process", "no-such-job", "result-not-ready"]);

export function noSuchProcess(id: string): GyreError {
  return new GyreError("NotFound", `there is no process ${id}`, { subject: id, type: "no-such-process" });
}

export function noSuchJob(id: string): GyreError {
  return new GyreError("NotFound", `there is no job ${id}`, { subject: id, type: "no-such-job" });
}

export function resultNotReady(id: string): GyreError {
  return new GyreError("NotFound", `job ${id} has not ended`, { subject: id, type: "result-not-ready" });
}

/** The standard's exception document (7.1.1) for what it names, and for inputs; undefined: a problem as any other. */
export function exceptionOf(error: unknown): Response | undefined {
  if (!isGyreError(error)) return undefined;
  const { type, subject, faults } = error.details;
  if (type !== undefined && NAMED.has(type)) {
    return problem(404, error.message, { type: `${TYPES}${type}`, ...(subject === undefined ? {} : { subject }) });
  }
  // Wrong inputs are a bad request here (7.11.4).
  if (error.tag === "Invalid") return problem(400, error.message, faults === undefined ? {} : { errors: faults });
  return undefined;
}
