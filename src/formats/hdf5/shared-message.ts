import { badSource } from "../../errors.ts";
import { verifyChecksum } from "./checksum.ts";
import type { Cursor } from "./cursor.ts";
import type { H5File } from "./file.ts";
import { type FractalHeap, openFractalHeap } from "./fractal-heap.ts";
import { findMessage, MESSAGE, type Message, readObjectHeader } from "./object-header.ts";

const SHARED = 0x02;

/** A message's own bytes, wherever they are kept: follows a message that is only a reference to another object's message or to the shared message heap. */
export function resolveMessage(file: H5File, message: Message): Promise<Cursor> {
  return resolveShared(file, message.type, (message.flags & SHARED) !== 0, message.body);
}

/** The same for a part of an attribute message, which has its own "shared" flag. */
export async function resolveShared(file: H5File, type: number, shared: boolean, body: Cursor): Promise<Cursor> {
  if (!shared) return body;
  // IV.A.2 "Shared Message": version, type, then (version 1: padding) the address or the heap ID.
  const version = body.version(1, 2, 3);
  const kind = body.u8();
  if (version === 3 && kind === 1) return (await sharedHeap(file, type)).object(body.take(8));
  if (version === 1) body.skip(6);
  const address = body.address();
  if (address === undefined) throw body.fail("a shared message without an address");
  const message = findMessage(await readObjectHeader(file, address), type);
  if (message === undefined) throw body.fail(`the object at address ${address} shares no message of type ${type}`);
  if ((message.flags & SHARED) !== 0) throw body.fail("a shared message that is shared again");
  return message.body;
}

/** III.H Shared Object Header Message Table: the heap that holds shared messages of one type. */
export async function sharedHeap(file: H5File, type: number): Promise<FractalHeap> {
  const { extension } = file.superblock;
  const message =
    extension === undefined ? undefined : findMessage(await readObjectHeader(file, extension), MESSAGE.sharedTable);
  if (message === undefined) {
    throw badSource(file.url, undefined, "it refers to shared messages but has no table of them");
  }
  const body = message.body;
  body.pos = 0;
  body.version(0);
  const address = body.address();
  const indexes = body.u8();
  if (address === undefined) throw body.fail("the table of shared messages has no address");
  const entry = 14 + 2 * file.offsetSize;
  const table = await file.at(address, 4 + indexes * entry + 4);
  table.expect("SMTB");
  table.pos += indexes * entry;
  verifyChecksum(table);
  // Old fill values share the index of new ones.
  const bit = 1 << (type === MESSAGE.oldFill ? MESSAGE.fill : type);
  for (let i = 0; i < indexes; i++) {
    table.pos = 4 + i * entry + 2;
    const types = table.u16();
    if ((types & bit) === 0) continue;
    table.skip(10);
    table.address();
    const heap = table.address();
    if (heap !== undefined) return openFractalHeap(file, heap);
  }
  throw table.fail(`no heap holds shared messages of type ${type}`);
}
