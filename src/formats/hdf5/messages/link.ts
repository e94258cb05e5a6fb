import { decodeText } from "../../text.ts";
import type { Cursor } from "../cursor.ts";

/** IV.A.2.g Link. */
export type Link = { readonly name: string; readonly order: number | undefined } & LinkTarget;

export type LinkTarget =
  | { readonly kind: "hard"; readonly address: number }
  | { readonly kind: "soft"; readonly path: string }
  | { readonly kind: "external"; readonly file: string; readonly path: string }
  /** User-defined links mean nothing to anyone but their writer. */
  | { readonly kind: "other"; readonly type: number };

export function readLink(cursor: Cursor): Link {
  cursor.version(1);
  const flags = cursor.u8();
  const type = flags & 0x08 ? cursor.u8() : 0;
  const order = flags & 0x04 ? cursor.uint(8) : undefined;
  if (flags & 0x10) cursor.u8();
  const name = decodeText(cursor.take(cursor.uint(1 << (flags & 0x03))));
  return { name, order, ...readTarget(cursor, type) };
}

function readTarget(cursor: Cursor, type: number): LinkTarget {
  if (type === 0) {
    const address = cursor.address();
    if (address === undefined) throw cursor.fail("a hard link without an address");
    return { kind: "hard", address };
  }
  const value = cursor.sub(cursor.u16());
  if (type === 1) return { kind: "soft", path: decodeText(value.bytes) };
  if (type !== 64) return { kind: "other", type };
  value.u8();
  return { kind: "external", file: value.cstring(), path: value.cstring() };
}

/** IV.A.2.c Link Info: where a group's links are when its header does not hold them. */
export interface LinkInfo {
  readonly tracked: boolean;
  readonly heap: number | undefined;
  readonly names: number | undefined;
}

export function readLinkInfo(cursor: Cursor): LinkInfo {
  cursor.version(0);
  const flags = cursor.u8();
  if (flags & 0x01) cursor.skip(8);
  return { tracked: (flags & 0x01) !== 0, heap: cursor.address(), names: cursor.address() };
}
