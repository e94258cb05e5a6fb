import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { Call } from "../core/principal.ts";
import { tryLockFile } from "../db/file-lock.ts";
import { GyreError } from "../errors.ts";
import { BEGINNING, type EventLog, type Position, type Recorded, type TopicFilter } from "./event-log.ts";
import { lineOf } from "./line.ts";

const DAY_FILE = /^\d{4}-\d\d-\d\d\.jsonl$/;
const CHECKPOINT = "position.json";
/** Held by the one process that writes. */
const LOCK = "dump.lock";

/** Where the dump is, and how long its files were then. */
const checkpointSchema = z.object({
  position: z.record(z.string(), z.int().min(0)),
  bytes: z.record(z.string(), z.int().min(0)),
});

interface Checkpoint {
  readonly position: Position;
  readonly bytes: { readonly [file: string]: number };
}

export interface DumpOptions {
  readonly topics?: TopicFilter;
  /** Goes on until the call is aborted. */
  readonly live?: boolean;
  /** Told after each batch that is safe on the disk. */
  readonly onProgress?: (dumped: { readonly messages: number; readonly position: Position }) => void;
}

/**
 * Keeps every message as it came in `folder`, in a file for each day (UTC) of the log's time: also what nobody can
 * decode. Goes on where it ended, without a gap and without repeating itself, whenever it was killed. Throws Conflict where
 * another process does the same in this folder.
 */
export async function dump(log: EventLog, folder: string, options: DumpOptions, call: Call): Promise<void> {
  await mkdir(folder, { recursive: true });
  using lock = tryLockFile(join(folder, LOCK));
  if (lock === undefined) throw new GyreError("Conflict", `another process keeps a dump in ${folder}`);
  const files = new Map<string, DayFile>();
  try {
    let { position, bytes } = await recover(folder);
    let messages = 0;
    const { live = false, topics, onProgress } = options;
    for await (const batch of log.read({ from: position, live, ...(topics && { topics }) }, call)) {
      for (const [day, found] of Map.groupBy(batch.messages, dayOf)) {
        const file = files.get(day) ?? (await DayFile.open(folder, day));
        files.set(day, file);
        bytes = { ...bytes, [day]: await file.append(found) };
      }
      position = batch.next;
      messages += batch.messages.length;
      await writeCheckpoint(folder, { position, bytes });
      onProgress?.({ messages, position });
      // Yesterday's file may get a late message, older ones hardly: they are opened again then.
      for (const day of [...files.keys()].sort().slice(0, -2)) {
        await files.get(day)?.close();
        files.delete(day);
      }
    }
  } finally {
    for (const file of files.values()) await file.close();
  }
}

/** The bytes of a dump's files in the order of their days, for `importLines`. */
export async function* readDump(folder: string): AsyncGenerator<Uint8Array> {
  for (const day of await daysIn(folder)) yield* createReadStream(join(folder, day));
}

class DayFile {
  readonly #handle: FileHandle;
  #length: number;

  private constructor(handle: FileHandle, length: number) {
    this.#handle = handle;
    this.#length = length;
  }

  static async open(folder: string, day: string): Promise<DayFile> {
    const handle = await open(join(folder, day), "a");
    return new DayFile(handle, (await handle.stat()).size);
  }

  /** Answers the file's length when the messages are on the disk. */
  async append(messages: readonly Recorded[]): Promise<number> {
    const bytes = Buffer.from(messages.map(lineOf).join(""));
    await this.#handle.appendFile(bytes);
    await this.#handle.sync();
    this.#length += bytes.byteLength;
    return this.#length;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

function dayOf({ time }: Recorded): string {
  return `${time.toISOString().slice(0, 10)}.jsonl`;
}

async function daysIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => DAY_FILE.test(name)).sort();
}

/** What was written after the checkpoint is cut off, and read again: its position is not told by its lines alone. */
async function recover(folder: string): Promise<Checkpoint> {
  const days = await daysIn(folder);
  const found = await readCheckpoint(folder);
  if (found === undefined && days.length > 0) {
    throw new GyreError("Conflict", `${folder} holds ${days[0]} but no ${CHECKPOINT}: it is no dump to go on with`);
  }
  const checkpoint = found ?? { position: BEGINNING, bytes: {} };
  if (found === undefined) await writeCheckpoint(folder, checkpoint);
  for (const day of days) await cut(join(folder, day), checkpoint.bytes[day] ?? 0);
  return checkpoint;
}

async function readCheckpoint(folder: string): Promise<Checkpoint | undefined> {
  try {
    return checkpointSchema.parse(JSON.parse(await readFile(join(folder, CHECKPOINT), "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function writeCheckpoint(folder: string, checkpoint: Checkpoint): Promise<void> {
  const path = join(folder, CHECKPOINT);
  const handle = await open(`${path}.new`, "w");
  try {
    await handle.writeFile(JSON.stringify(checkpoint));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${path}.new`, path);
  await syncFolder(folder);
}

/** A new name is only safe with its folder. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function cut(path: string, length: number): Promise<void> {
  const handle = await open(path, "r+");
  try {
    const { size } = await handle.stat();
    if (size < length) throw new GyreError("Conflict", `${path} is shorter than it was when it was written`);
    if (size === length) return;
    await handle.truncate(length);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
