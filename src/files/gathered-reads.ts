import { readSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";

interface Wanted {
  readonly room: Uint8Array;
  readonly start: number;
  readonly resolve: (bytes: number) => void;
  readonly reject: (error: unknown) => void;
}

/** A larger read gains nothing by company: two of them run on two threads. */
const MOST_EACH = 64 * 1024;
const MOST_TOGETHER = 512 * 1024;

/**
 * Reads small pieces of files. Those that are asked for in one turn of the event loop and lie one behind the other are
 * read by one call: handing a call to a thread and back costs more than the bytes of a small chunk.
 */
export class GatheredReads {
  #wanted = new Map<FileHandle, Wanted[]>();

  /** Fills `room` from `start` on as far as the file goes; the number of bytes. */
  read(handle: FileHandle, room: Uint8Array, start: number): Promise<number> {
    if (room.byteLength > MOST_EACH) return readFully(handle, room, start);
    return new Promise((resolve, reject) => {
      if (this.#wanted.size === 0) setImmediate(() => this.#flush());
      const wanted = this.#wanted.get(handle);
      const one = { room, start, resolve, reject };
      if (wanted === undefined) this.#wanted.set(handle, [one]);
      else wanted.push(one);
    });
  }

  #flush(): void {
    const all = this.#wanted;
    this.#wanted = new Map();
    for (const [handle, wanted] of all) {
      for (const run of runsOf(wanted.sort((a, b) => a.start - b.start))) void readRun(handle, run);
    }
  }
}

function* runsOf(sorted: readonly Wanted[]): Generator<readonly Wanted[]> {
  let run: Wanted[] = [];
  let end = 0;
  let bytes = 0;
  for (const one of sorted) {
    const { byteLength } = one.room;
    if (run.length > 0 && (one.start !== end || bytes + byteLength > MOST_TOGETHER)) {
      yield run;
      run = [];
      bytes = 0;
    }
    run.push(one);
    end = one.start + byteLength;
    bytes += byteLength;
  }
  yield run;
}

async function readRun(handle: FileHandle, run: readonly Wanted[]): Promise<void> {
  const [first] = run;
  try {
    if (run.length > 1) {
      const rooms = run.map(({ room }) => room);
      const { bytesRead } = await handle.readv(rooms, first!.start);
      if (bytesRead === rooms.reduce((sum, room) => sum + room.byteLength, 0)) {
        for (const { room, resolve } of run) resolve(room.byteLength);
        return;
      }
    }
  } catch (error) {
    for (const { reject } of run) reject(error);
    return;
  }
  // The system gave less than it was asked for, mostly at the end of the file.
  for (const { room, start, resolve, reject } of run) readFully(handle, room, start).then(resolve, reject);
}

async function readFully(handle: FileHandle, room: Uint8Array, start: number): Promise<number> {
  let done = 0;
  while (done < room.byteLength) {
    const { bytesRead } = await handle.read(room, done, room.byteLength - done, start + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** Above this a thread is worth its while: the disk works beside us. */
const MOST_NOW = 256 * 1024;

/** Fills `room` from `start` on in this thread; the number of bytes. */
export async function readNow(handle: FileHandle, room: Uint8Array, start: number): Promise<number> {
  if (room.byteLength > MOST_NOW) return readFully(handle, room, start);
  let done = 0;
  while (done < room.byteLength) {
    const bytes = readSync(handle.fd, room, done, room.byteLength - done, start + done);
    if (bytes === 0) break;
    done += bytes;
  }
  return done;
}
