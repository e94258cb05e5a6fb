import { GyreError } from "../../errors.ts";

/** Bytes; both are parts of keys, of which an index of PostgreSQL takes 2,700. */
const LONGEST_RUN = 1_200;
const LONGEST_PART = 600;

/** Checks the id of a run, which is also part of a URL's path and of notifications. Throws BadRequest. */
export function checkRunId(id: string): void {
  check(id, LONGEST_RUN, "A run's id");
}

/** Checks the name of a part. Throws BadRequest. */
export function checkPart(part: string): void {
  check(part, LONGEST_PART, "A part's name");
}

function check(name: string, most: number, what: string): void {
  if (Buffer.byteLength(name) > most || !/^[^\p{C}]+$/u.test(name))
    throw new GyreError("BadRequest", `${what} has 1 to ${most} bytes, none of which control anything`, {
      subject: name.slice(0, 100),
    });
}
