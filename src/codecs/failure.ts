import { GyreError } from "../errors.ts";

/** Stored bytes that a codec cannot make sense of. Codecs do not know the file; who read the bytes adds its name. */
export function corrupt(codec: string, reason: string, cause?: unknown): GyreError {
  return new GyreError("BadSource", `codec ${codec}: ${reason}`, {
    subject: codec,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A decoder that would produce more than the chunk can hold. */
export function tooLong(codec: string, maxBytes: number): GyreError {
  return corrupt(codec, `the data decodes to more than the ${maxBytes} bytes that the chunk can hold`);
}

/** A variant of a known codec that is not implemented. */
export function unsupported(codec: string, what: string): GyreError {
  return new GyreError("Unsupported", `codec ${codec}: ${what}`, { subject: codec });
}
