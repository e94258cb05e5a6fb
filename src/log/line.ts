import { createHash } from "node:crypto";
import { z } from "zod";
import { parseJson, pointerOf } from "../core/event-json.ts";
import { GyreError } from "../errors.ts";
import type { Message, Recorded } from "./event-log.ts";
import { MOST_VALUE_BYTES, textOf } from "./message.ts";

/** Bytes of one line, at most: a value may be quoted, or be base64; and the names beside it quoted. */
export const MOST_LINE_BYTES = 2 * MOST_VALUE_BYTES + 65_536;

/** Quoting makes six bytes of a control character: what is longer is no event, and base64. */
const MOST_QUOTED_BYTES = MOST_LINE_BYTES / 8;

const lineSchema = z.object({
  partition: z.string().max(500).optional(),
  offset: z.int().min(0).optional(),
  time: z.iso.datetime().optional(),
  id: z.string().default(""),
  topic: z.string(),
  key: z.string(),
  value: z.string(),
  encoding: z.enum(["utf-8", "base64"]).default("utf-8"),
});

/** One message of an export or dump: any bytes, which are base64 where they are no UTF-8. */
export type Line = z.output<typeof lineSchema>;

/** A message as a line of JSON, with its end. */
export function lineOf({ partition, offset, time, id, topic, key, value }: Recorded): string {
  const text = value.byteLength <= MOST_QUOTED_BYTES ? textOf(value) : undefined;
  const quoted =
    text === undefined ? { value: Buffer.from(value).toString("base64"), encoding: "base64" } : { value: text };
  return `${JSON.stringify({ partition, offset, time, id, topic, key, ...quoted })}\n`;
}

/** Reads a line. Throws Invalid. */
export function parseLine(bytes: Uint8Array): Line {
  const result = lineSchema.safeParse(parseJson(bytes, { bytes: MOST_LINE_BYTES, depth: 4 }));
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => ({ pointer: pointerOf(path), detail: message }));
  throw new GyreError("Invalid", `${faults[0]?.pointer || "the line"}: ${faults[0]?.detail}`, { faults });
}

/**
 * A message to append. One without an id gets one from its old place, so that it is not appended twice, and its bytes,
 * since another log may have had another one there.
 */
export function messageOfLine({ id, topic, key, value, encoding, partition, offset }: Line): Message {
  const bytes = Buffer.from(value, encoding);
  if (id !== "" || partition === undefined || offset === undefined) return { id, topic, key, value: bytes };
  const digest = createHash("sha256").update(bytes).digest("hex").slice(0, 32);
  return { id: `line:${partition}@${offset}:${digest}`, topic, key, value: bytes };
}

/** Cuts bytes into lines without their ends; a last line needs none. Throws TooLarge where one does not end. */
export async function* linesOf(source: AsyncIterable<Uint8Array>, most = MOST_LINE_BYTES): AsyncGenerator<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of source) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      pieces.push(chunk.subarray(start, end));
      yield pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
      pieces = [];
      length = 0;
      start = end + 1;
    }
    length += chunk.byteLength - start;
    if (length > most) throw new GyreError("TooLarge", `a line is longer than ${most} bytes`);
    // A copy: the source may use its buffer again.
    if (start < chunk.byteLength) pieces.push(chunk.slice(start));
  }
  if (pieces.length > 0) yield Buffer.concat(pieces);
}
