import { lookup3 } from "../../codecs/jenkins_lookup3.ts";
import type { Cursor } from "./cursor.ts";

/** Reads the checksum at the cursor and compares it with that of the bytes from `start` up to it. */
export function verifyChecksum(cursor: Cursor, start = 0): void {
  const computed = lookup3(cursor.bytes.subarray(start, cursor.pos));
  if (cursor.u32() !== computed) throw cursor.fail("the checksum does not match");
}
