import { createHash } from "node:crypto";
import type { z } from "zod";
import { parseJson, pointerOf } from "../core/event-json.ts";
import { errorEventSchema } from "../core/event-schema.ts";
import { ERROR_TOPIC } from "../core/topic.ts";
import { GyreError, HTTP_STATUS, isGyreError } from "../errors.ts";
import type { Message, Recorded } from "./event-log.ts";
import { keepable, MOST_VALUE_BYTES, textOf } from "./message.ts";
import type { Failure } from "./projection.ts";

/** What the error topic holds. */
export type ErrorEvent = z.output<typeof errorEventSchema>;

/** A longer message is not kept a second time: its place in the log is. */
const MOST_ORIGINAL_BYTES = 4 * 1024 * 1024;

const NOT_QUOTED = { original_payload: "", original_encoding: "utf-8" } as const;

/** Which consumer of which node tells of a failure. */
export interface Reporter {
  readonly node: string;
  readonly consumer: string;
}

/** The message that tells of a failure. Its id comes from what it is about, so that telling twice is harmless. */
export function errorMessage(
  failure: Failure,
  { node, consumer }: Reporter,
  form: "whole" | "without payload" = "whole",
): Message {
  const { message, type, error } = failure;
  const { partition, offset, topic } = message;
  const origin = message.id === "" ? `${partition}@${offset}` : message.id;
  const key = keepable(message.key);
  const event: ErrorEvent = {
    ...(form === "whole" ? originalOf(message) : NOT_QUOTED),
    node,
    traceback: tracebackOf(error),
    error_type: type,
    error: problemOf(error, `urn:gyre:message:${partition}:${offset}`),
    consumer,
    attempts: attemptOf(message.id) + 1,
    original: { id: keepable(message.id), topic, key, partition, offset },
  };
  return { id: digest(`${node}\n${consumer}\n${origin}`), topic: ERROR_TOPIC, key, value: encoded(event) };
}

/** Quoting may make a text six times as long; then its place in the log must do. */
function encoded(event: ErrorEvent): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(event));
  return bytes.byteLength <= MOST_VALUE_BYTES ? bytes : encoded({ ...event, original_payload: "" });
}

/** Reads an error event, also one of the founding system. Throws TooLarge or Invalid. */
export function decodeErrorEvent(bytes: Uint8Array): ErrorEvent {
  const result = errorEventSchema.safeParse(foundingProblem(parseJson(bytes, { bytes: MOST_VALUE_BYTES, depth: 8 })));
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => ({ pointer: pointerOf(path), detail: message }));
  throw new GyreError("Invalid", "the message is no error event", { faults });
}

/** The founding system tells no problem. */
function foundingProblem(value: unknown): unknown {
  if (typeof value !== "object" || value === null || "error" in value) return value;
  const error = { type: "about:blank", title: "unknown", status: 500, detail: "", instance: "" };
  return { ...value, error };
}

/** Of `abc#2` it is 2: the third attempt to apply `abc`. */
export function attemptOf(id: string): number {
  const match = /#(\d{1,6})$/.exec(id);
  return match === null ? 0 : Number(match[1]);
}

/** The id under which a message is appended again after `attempts`, the same each time. */
export function redrivenId(id: string, attempts: number): string {
  return `${id.replace(/#\d{1,6}$/, "")}#${attempts}`;
}

function originalOf({ value }: Recorded): Pick<ErrorEvent, "original_payload" | "original_encoding"> {
  if (value.byteLength > MOST_ORIGINAL_BYTES) return NOT_QUOTED;
  const text = textOf(value);
  if (text !== undefined) return { original_payload: text, original_encoding: "utf-8" };
  return { original_payload: Buffer.from(value).toString("base64"), original_encoding: "base64" };
}

function problemOf(error: unknown, instance: string): ErrorEvent["error"] {
  const known = isGyreError(error) ? error : undefined;
  const type = known?.details.type ?? "unknown";
  const faults = (known?.details.faults ?? [])
    .slice(0, 20)
    .map(({ pointer, detail }) => keepable(`${pointer}: ${detail}`));
  return {
    detail: [clean(known?.message ?? messageOf(error)), ...faults].join("\n"),
    instance,
    status: (known && HTTP_STATUS[known.tag]) ?? 500,
    title: known?.tag ?? "Unknown",
    type: `/publication/errors/${type}`,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "something was thrown that is no error";
}

/** The names of the functions, from the one that threw; where the files lie is nobody's business. */
function tracebackOf(error: unknown): string {
  if (!(error instanceof Error)) return clean(messageOf(error));
  const calls = (error.stack ?? "").matchAll(/^ {4}at (?:async )?([\w$.<>#[\] ]+) \(/gm);
  const names = [...calls].slice(0, 20).map(([, name]) => `    at ${name}`);
  return [`${error.name}: ${clean(error.message)}`, ...names].join("\n");
}

/** Without passwords of addresses, and without paths of files. */
function clean(text: string): string {
  return keepable(text)
    .replaceAll(/\/\/[^\s/@]{1,500}@/g, "//")
    .replaceAll(/file:\/\/\S+|(?<![\w:/.-])(?:\/[\w.@~+-]+){2,}|\b[A-Za-z]:\\\S+/g, "(a file)");
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
