import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { decodeEvent, itemIdOf } from "../../core/event.ts";
import { ANONYMOUS } from "../../core/principal.ts";
import { topicFilter } from "../../core/topic.ts";
import { type DumpOptions, dump } from "../../log/dump.ts";
import type { Position, Recorded } from "../../log/event-log.ts";
import { createHttpLog } from "../../log/http.ts";
import { exportLines } from "../../log/jsonl.ts";
import { lineOf } from "../../log/line.ts";
import { parsePosition } from "../../log/position-text.ts";
import type { CommandIo } from "../command.ts";
import { plain } from "../plain.ts";
import { nodeUrl } from "../publisher.ts";
import { askJson, NODE_OPTIONS, throughAbsences } from "./node.ts";

interface Topics {
  readonly topics: readonly { readonly name: string; readonly messages: number; readonly last: string | null }[];
}

/** `gyre events topics`: names, messages, the time of the last. */
export async function topics(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: NODE_OPTIONS });
  const { topics: found } = await askJson<Topics>(values.node, "events/topics", io.signal);
  const filter = values.topics === undefined ? undefined : topicFilter(values.topics);
  for (const topic of found.filter(({ name }) => filter?.test(name) ?? true)) {
    io.out(
      values.json
        ? JSON.stringify(topic)
        : `${String(topic.messages).padStart(9)}  ${topic.last ?? "-"}  ${topic.name}`,
    );
  }
  return 0;
}

interface Positions {
  readonly heads: Readonly<Record<string, number>>;
  readonly tails: Readonly<Record<string, number>>;
  /** Both `--from` of `gyre events tail` and `from` of `/events/messages`. */
  readonly head: string;
}

/** `gyre events positions`: what is kept of each partition, and where the log ends as one word. */
export async function positions(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: NODE_OPTIONS });
  const found = await askJson<Positions>(values.node, "events/positions", io.signal);
  if (values.json) {
    io.out(JSON.stringify(found));
    return 0;
  }
  for (const [partition, head] of Object.entries(found.heads)) {
    io.out(`${partition}  ${found.tails[partition] ?? 0} to ${head}`);
  }
  io.out(`end: ${found.head}`);
  return 0;
}

/** `gyre events tail`: what is in the log, a line each; then, with `--follow`, what comes. */
export async function tail(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { ...NODE_OPTIONS, from: { type: "string" }, follow: { type: "boolean", short: "f", default: false } },
  });
  const log = logOf(values.node);
  const filter = values.topics === undefined ? {} : { topics: topicFilter(values.topics) };
  let from = await startOf(values, io);
  let count = 0;
  const read = async (): Promise<void> => {
    const options = { ...filter, from, live: values.follow };
    for await (const { messages, next } of log.read(options, { signal: io.signal, who: ANONYMOUS })) {
      for (const message of messages) io.out(values.json ? lineOf(message).trimEnd() : said(message));
      from = next;
      count += messages.length;
      if (io.tty && values.follow) io.err(`${count} messages`);
    }
  };
  await (values.follow ? throughAbsences(values.node, io, read) : read());
  return 0;
}

/** Only what comes, unless a position or the beginning is named. */
async function startOf(
  { node, from, follow }: { node: string; from?: string; follow: boolean },
  io: CommandIo,
): Promise<Position> {
  if (from !== undefined && from !== "beginning") return parsePosition(from);
  if (from === "beginning" || !follow) return {};
  return (await askJson<{ heads: Record<string, number> }>(node, "events/positions", io.signal)).heads;
}

function said({ time, topic, value }: Recorded): string {
  const what = (): string => {
    try {
      const { payload } = decodeEvent(value).data;
      return `${payload.method.padEnd(6)} ${payload.collection_id}/${itemIdOf(payload) ?? ""}`;
    } catch (error) {
      return `not understood: ${(error as Error).message}`;
    }
  };
  return plain(`${time.toISOString()}  ${topic}  ${what()}`);
}

/** `gyre events export`: all messages as lines of JSON. */
export async function exported(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: { ...NODE_OPTIONS, out: { type: "string", short: "o" } } });
  const filter = values.topics === undefined ? {} : { topics: topicFilter(values.topics) };
  const batches = exportLines(logOf(values.node), filter, { signal: io.signal, who: ANONYMOUS });
  if (values.out === undefined) {
    for await (const lines of batches) io.out(String(lines).trimEnd());
    return 0;
  }
  await pipeline(batches, createWriteStream(values.out));
  io.err(`written to ${values.out}`);
  return 0;
}

/** `gyre events dump FOLDER`: every raw message in a file for each day, also what nobody can decode. */
export async function dumped(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { ...NODE_OPTIONS, follow: { type: "boolean", short: "f", default: false } },
  });
  const [folder = "events"] = positionals;
  let kept = 0;
  const keep = async (): Promise<void> => {
    const before = kept;
    const options: DumpOptions = {
      live: values.follow,
      ...(values.topics === undefined ? {} : { topics: topicFilter(values.topics) }),
      onProgress({ messages }) {
        kept = before + messages;
        if (io.tty) io.err(`${kept} messages kept in ${folder}`);
      },
    };
    await dump(logOf(values.node), folder, options, { signal: io.signal, who: ANONYMOUS });
  };
  await (values.follow ? throughAbsences(values.node, io, keep) : keep());
  io.out(values.json ? JSON.stringify({ messages: kept, folder }) : `${kept} messages kept in ${folder}`);
  return 0;
}

function logOf(node: string): ReturnType<typeof createHttpLog> {
  return createHttpLog(new URL("events", nodeUrl(node)));
}
