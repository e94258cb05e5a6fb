import type { Json } from "../core/stac.ts";
import { HTTP_STATUS, isGyreError } from "../errors.ts";
import type { EventStatus } from "./catalog.ts";

/** What a status says of an event that could not be applied (RFC 9457; types as the founding system's successor has). */
export function problemOf(error: unknown): NonNullable<EventStatus["problem"]> {
  const known = isGyreError(error) ? error : undefined;
  const { type = "unknown", faults } = known?.details ?? {};
  return {
    status: known === undefined ? 500 : HTTP_STATUS[known.tag],
    type: `/publication/errors/${type}`,
    title: type.replaceAll("-", " "),
    detail: (known?.message ?? "the event could not be applied").slice(0, 2000),
    ...(faults === undefined ? {} : { errors: faults.slice(0, 50) as unknown as Json }),
  };
}
