import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { parseArgs } from "node:util";
import { topicFilter } from "../../core/topic.ts";
import { GyreError } from "../../errors.ts";
import { readDump } from "../../log/dump.ts";
import type { CommandIo } from "../command.ts";
import { plain } from "../plain.ts";
import { ask, askJson, NODE_OPTIONS } from "./node.ts";

const FILTER_OPTIONS = {
  ...NODE_OPTIONS,
  "at-node": { type: "string" },
  type: { type: "string" },
  key: { type: "string" },
  since: { type: "string" },
} as const;

interface FilterFlags {
  readonly topics?: string | undefined;
  readonly "at-node"?: string | undefined;
  readonly type?: string | undefined;
  readonly key?: string | undefined;
  readonly since?: string | undefined;
}

interface Failure {
  readonly id: string;
  readonly time: string;
  readonly event: {
    readonly node: string;
    readonly error_type: string;
    readonly error?: { readonly status?: number; readonly detail?: string };
  };
}

/** `gyre events errors`: what could not be applied, and why. */
export async function errors(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: { ...FILTER_OPTIONS, limit: { type: "string" } } });
  const query = new URLSearchParams(filterOf(values));
  if (values.limit !== undefined) query.set("limit", values.limit);
  const { errors: found } = await askJson<{ errors: readonly Failure[] }>(
    values.node,
    `events/errors?${query}`,
    io.signal,
  );
  for (const failure of found) io.out(values.json ? JSON.stringify(failure) : said(failure));
  if (found.length === 0 && !values.json) io.out("no errors");
  return 0;
}

function said({ id, time, event: { node, error_type: type, error = {} } }: Failure): string {
  const { status = "", detail = "" } = error;
  return plain(`${time}  ${id}  ${node}  ${type} ${status}  ${detail}`);
}

/** `gyre events redrive`: sends failed messages again: some by id, those of a filter, or all. */
export async function redrive(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { ...FILTER_OPTIONS, all: { type: "boolean", default: false } },
  });
  const filter = filterOf(values);
  if (positionals.length === 0 && Object.keys(filter).length === 0 && !values.all) {
    throw new GyreError("BadRequest", "name ids, a filter, or --all");
  }
  const body = {
    ...filter,
    ...(positionals.length === 0 ? {} : { ids: positionals }),
    ...(values.all ? { all: true } : {}),
  };
  type Answer = { sent: number; repeated: number; lost: readonly { id: string; reason: string }[] };
  const answer = await askJson<Answer>(values.node, "events/redrive", io.signal, body);
  if (values.json) io.out(JSON.stringify(answer));
  else io.out(`${answer.sent} sent again, ${answer.repeated} were sent before, ${answer.lost.length} cannot be sent`);
  for (const { id, reason } of answer.lost) io.err(plain(`${id}: ${reason}`));
  return answer.lost.length === 0 ? 0 : 1;
}

/** `gyre events import`: appends the lines of an export, or of the files of a dump. */
export async function imported(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: NODE_OPTIONS });
  const [source] = positionals;
  if (source === undefined) throw new GyreError("BadRequest", "name a file of an export, or the folder of a dump");
  const isFolder = (await stat(source)).isDirectory();
  const lines = isFolder ? Readable.from(readDump(source)) : createReadStream(source);
  const response = await ask(values.node, "events/import", io.signal, {
    method: "POST",
    headers: { "Content-Type": "application/x-ndjson" },
    body: Readable.toWeb(lines) as ReadableStream<Uint8Array>,
    duplex: "half",
  } as RequestInit);
  const answer = (await response.json()) as { appended: number; repeated: number };
  io.out(values.json ? JSON.stringify(answer) : `${answer.appended} appended, ${answer.repeated} were there already`);
  return 0;
}

/** `gyre events replay`: a dump into the log, or without one the whole log into the node's catalogue again. */
export async function replay(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: { ...NODE_OPTIONS, dump: { type: "string" } } });
  if (values.dump !== undefined) {
    return imported([values.dump, "--node", values.node, ...(values.json ? ["--json"] : [])], io);
  }
  const answer = await askJson<object>(values.node, "events/rebuild", io.signal, {});
  io.out(
    values.json
      ? JSON.stringify(answer)
      : "the catalogue is made again from the log; gyre events consumers shows how far",
  );
  return 0;
}

interface Consumer {
  readonly consumer: string;
  readonly pattern: string;
  /** Null: the log that it reads does not answer. */
  readonly lag: number | null;
  readonly behindTail: number;
  readonly state?: string;
  readonly rate?: number;
  readonly lastError?: { readonly message: string };
}

/** `gyre events consumers`: who reads the log, and how far each is behind. */
export async function consumers(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: NODE_OPTIONS });
  const { consumers: found } = await askJson<{ consumers: readonly Consumer[] }>(
    values.node,
    "events/consumers",
    io.signal,
  );
  for (const consumer of found) {
    const { lag, behindTail, state = "not here", rate = 0, pattern, lastError } = consumer;
    const lost = behindTail === 0 ? "" : `  ${behindTail} are not kept any more`;
    const trouble = state !== "retrying" || lastError === undefined ? "" : `  ${lastError.message}`;
    io.out(
      values.json
        ? JSON.stringify(consumer)
        : `${consumer.consumer}  ${lag ?? "?"} behind  ${state}  ${rate}/s  ${pattern}${lost}${trouble}`,
    );
  }
  return 0;
}

interface Lag {
  readonly consumer: string;
  readonly topics: Readonly<Record<string, number>>;
  readonly isMore: boolean;
}

/** `gyre events lag`: what each consumer has not applied yet, by topic. */
export async function lag(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: NODE_OPTIONS });
  const filter = values.topics === undefined ? undefined : topicFilter(values.topics);
  const { consumers: found } = await askJson<{ consumers: readonly Lag[] }>(values.node, "events/lag", io.signal);
  for (const { consumer, topics, isMore } of found) {
    for (const [topic, messages] of Object.entries(topics)) {
      if (filter?.test(topic) === false) continue;
      const line = { consumer, topic, messages, isMore };
      io.out(values.json ? JSON.stringify(line) : `${String(messages).padStart(9)}  ${topic}  ${consumer}`);
    }
    if (isMore && !values.json) io.out(`        …  more than these for ${consumer}`);
  }
  return 0;
}

function filterOf({ topics, type, key, since, "at-node": node }: FilterFlags): Record<string, string> {
  const all = { topics, type, keyPrefix: key, since, node };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
