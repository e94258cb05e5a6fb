import { lookup3 } from "../../src/codecs/jenkins_lookup3.ts";
import type { Input, Target } from "./target.ts";

type Random = () => number;

/** Values at which sizes, counts and offsets go wrong. */
const EDGES = [0, 1, 2, 3, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
const WIDE_EDGES = [2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 60n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];
const NUMBERS = [0, -1, 1, 0.5, 2 ** 31, 2 ** 53, 2 ** 60, -(2 ** 60), 1e308, 65_536];
const TEXTS = [
  "",
  "/",
  "..",
  "a/b",
  "\0",
  "\n",
  "__proto__",
  "constructor",
  "NaN",
  "é",
  "\ud800",
  "-1",
  "x".repeat(5000),
];

/** `limit` possible results, all as likely. */
export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

function pick<T>(random: Random, list: readonly T[]): T {
  return list[below(random, list.length)] as T;
}

/** The input with one to four of its places damaged, in the way that suits what the file is. */
export function mutated(target: Target, input: Input, random: Random): Input {
  const names = [...input.keys()];
  // What is opened first says what the others are.
  const name = random() < 0.6 ? names[0]! : pick(random, names);
  const bytes = input.get(name)!;
  const out = new Map(input);
  if (names.length > 1 && random() < 0.02) out.delete(name);
  else out.set(name, damagedFile(target, name, bytes, random));
  return out;
}

function damagedFile(target: Target, name: string, bytes: Uint8Array, random: Random): Uint8Array {
  const looksLikeJson = /json$|\.z(array|attrs|group|metadata)$/.test(name);
  if ((target.kind === "json" || looksLikeJson) && random() < 0.8) return damagedJson(bytes, random);
  if (target.kind === "text") return damagedText(bytes, random, target.words ?? []);
  return damagedBytes(bytes, random);
}

/** Numbers replaced by extremes, runs copied, dropped, doubled; checksums of HDF5 made right again, mostly. */
function damagedBytes(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes.byteLength === 0) return Uint8Array.of(below(random, 256));
  if (random() < 0.08) return bytes.slice(0, below(random, bytes.byteLength));
  let out: Uint8Array = bytes.slice();
  for (let n = 1 + below(random, 4); n > 0; n--) out = damagedOnce(out, random);
  if (out.byteLength === bytes.byteLength && random() < 0.8) mendChecksums(bytes, out);
  return out;
}

function damagedOnce(out: Uint8Array, random: Random): Uint8Array {
  // Headers lie in front, more often than not.
  const at = below(random, random() < 0.3 ? Math.min(out.byteLength, 512) : out.byteLength);
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  const isLittle = random() < 0.6;
  switch (below(random, 9)) {
    case 0:
      out[at] = out[at]! ^ (1 << below(random, 8));
      return out;
    case 1:
      out[at] = below(random, 256);
      return out;
    case 2:
      if (at + 2 <= out.byteLength) view.setUint16(at, pick(random, EDGES), isLittle);
      return out;
    case 3:
      if (at + 4 <= out.byteLength) view.setUint32(at, pick(random, EDGES), isLittle);
      return out;
    case 4:
      if (at + 8 <= out.byteLength) view.setBigUint64(at, pick(random, WIDE_EDGES), isLittle);
      return out;
    case 5:
      out[at] = out[at]! + (random() < 0.5 ? 1 : -1);
      return out;
    case 6: {
      const from = below(random, out.byteLength);
      out.copyWithin(at, from, from + 1 + below(random, 64));
      return out;
    }
    case 7: {
      // An offset or address that leads to another structure.
      if (at + 4 <= out.byteLength) view.setUint32(at, below(random, out.byteLength), isLittle);
      return out;
    }
    default: {
      const cut = below(random, 32);
      const added = random() < 0.5 ? new Uint8Array(below(random, 32)) : out.subarray(at, at + below(random, 32));
      return Buffer.concat([out.subarray(0, at), added, out.subarray(at + cut)]);
    }
  }
}

const SIGNATURES = ["OHDR", "OCHK", "BTHD", "BTIN", "BTLF", "FRHP", "FHDB", "FHIB", "FSHD", "FAHD", "FADB"]
  .concat(["EAHD", "EAIB", "EASB", "EADB", "SMTB", "SMLI", "\x89HDF"])
  .map((text) => Buffer.from(text, "latin1"));
const MOST_GUARDED = 1200;
const guardedRuns = new WeakMap<Uint8Array, readonly (readonly [number, number])[]>();

/** Where the original holds bytes followed by their own checksum, so do the damaged ones then. */
function mendChecksums(original: Uint8Array, damaged: Uint8Array): void {
  let runs = guardedRuns.get(original);
  if (runs === undefined) guardedRuns.set(original, (runs = findGuarded(original)));
  const view = new DataView(damaged.buffer, damaged.byteOffset, damaged.byteLength);
  for (const [start, end] of runs) view.setUint32(end, lookup3(damaged.subarray(start, end)), true);
}

function findGuarded(bytes: Uint8Array): [number, number][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const runs: [number, number][] = [];
  for (const signature of SIGNATURES) {
    for (let at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(signature); at >= 0; ) {
      const last = Math.min(at + MOST_GUARDED, bytes.byteLength - 4);
      for (let end = at + 8; end <= last; end++) {
        if (view.getUint32(end, true) !== lookup3(bytes.subarray(at, end))) continue;
        runs.push([at, end]);
        break;
      }
      at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(signature, at + 1);
    }
  }
  return runs;
}

/** One member replaced, dropped, renamed or doubled; as text where it is none. */
function damagedJson(bytes: Uint8Array, random: Random): Uint8Array {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return damagedText(bytes, random, []);
  }
  for (let n = 1 + below(random, 3); n > 0; n--) json = damagedValue(json, random);
  return Buffer.from(JSON.stringify(json) ?? "null");
}

function damagedValue(value: unknown, random: Random): unknown {
  if (typeof value !== "object" || value === null || random() < 0.08) return replaced(value, random);
  const entries: [string, unknown][] = Object.entries(value);
  if (entries.length === 0) return replaced(value, random);
  const at = below(random, entries.length);
  const [key, member] = entries[at]!;
  const kind = random();
  if (kind < 0.06) entries.splice(at, 1);
  else if (kind < 0.1) entries.push([pick(random, TEXTS), member]);
  else if (kind < 0.14) entries[at] = [pick(random, TEXTS), member];
  else entries[at] = [key, damagedValue(member, random)];
  return Array.isArray(value) ? entries.map(([, entry]) => entry) : Object.fromEntries(entries);
}

function replaced(value: unknown, random: Random): unknown {
  if (typeof value === "string" && random() < 0.6) {
    // Documents within documents, as kerchunk has them.
    const bytes = Buffer.from(value);
    const text = value.startsWith("{") ? damagedJson(bytes, random) : damagedText(bytes, random, TEXTS);
    return Buffer.from(text).toString("utf8");
  }
  switch (below(random, 6)) {
    case 0:
      return pick(random, NUMBERS);
    case 1:
      return pick(random, TEXTS);
    case 2:
      return pick(random, [null, true, false, [], {}, [[]], { a: 1 }]);
    case 3:
      return [value];
    case 4:
      return typeof value === "number" ? value + pick(random, [-1, 1, 0.5, 2 ** 40]) : { name: value };
    default:
      return typeof value === "number" ? -value : nested(below(random, 200));
  }
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

/** Characters changed, words put in, runs doubled or dropped. */
function damagedText(bytes: Uint8Array, random: Random, words: readonly string[]): Uint8Array {
  let text = Buffer.from(bytes).toString("utf8");
  for (let n = 1 + below(random, 4); n > 0; n--) {
    const at = below(random, text.length + 1);
    const end = Math.min(text.length, at + below(random, 12));
    const word = (): string => {
      const kind = random();
      if (kind < 0.4 && words.length > 0) return pick(random, words);
      if (kind < 0.6) return pick(random, TEXTS);
      if (kind < 0.8) return String(pick(random, random() < 0.5 ? EDGES : NUMBERS));
      return String.fromCharCode(below(random, random() < 0.9 ? 128 : 65_536));
    };
    const kind = random();
    if (kind < 0.4) text = text.slice(0, at) + word() + text.slice(at);
    else if (kind < 0.7) text = text.slice(0, at) + word() + text.slice(end);
    else if (kind < 0.85) text = text.slice(0, at) + text.slice(end);
    else if (kind < 0.95) text = text.slice(0, at) + text.slice(at, end).repeat(1 + below(random, 8)) + text.slice(at);
    else text = text.slice(0, at);
  }
  return Buffer.from(text);
}
