import type { Json } from "../core/stac.ts";
import { type ErrorTag, GyreError, isGyreError } from "../errors.ts";
import type { EventStatus } from "./catalog.ts";

const STATUS: Partial<Readonly<Record<ErrorTag, number>>> = {
  BadRequest: 400,
  NotFound: 404,
  Conflict: 409,
  Gone: 410,
  PreconditionFailed: 412,
  TooLarge: 413,
  Invalid: 422,
  Unsupported: 422,
};

/** What a status says of an event that could not be applied (RFC 9457; types as the founding system's successor has). */
export function problemOf(error: unknown): NonNullable<EventStatus["problem"]> {
  const known = isGyreError(error) ? error : new GyreError("BadSource", "the event could not be applied");
  const { type = "unknown", faults } = known.details;
  return {
    status: STATUS[known.tag] ?? 500,
    type: `/publication/errors/${type}`,
    title: type.replaceAll("-", " "),
    detail: known.message.slice(0, 2000),
    ...(faults === undefined ? {} : { errors: faults.slice(0, 50) as unknown as Json }),
  };
}
