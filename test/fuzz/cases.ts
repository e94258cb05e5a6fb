import { createHash } from "node:crypto";
import { isGyreError } from "../../src/errors.ts";
import { randomFrom } from "../formats/fuzz.ts";
import { below, mutated } from "./mutate.ts";
import type { Base, Input, Target } from "./target.ts";

/** What is wrong with how a parser met an input. */
export interface Failure {
  readonly reason: string;
  readonly stack?: string;
}

export interface Case {
  readonly base: Base;
  readonly input: Input;
}

/** Typed arrays that one case may leave behind, together. */
const MOST_ALLOCATED = 384 * 1024 * 1024;

/** The `n`-th case of a seed: always the same one. */
export function caseOf(target: Target, seed: number, n: number): Case {
  const bases = target.bases();
  const random = randomFrom(createHash("sha256").update(`${target.name} ${seed} ${n}`).digest().readInt32LE());
  const base = bases[below(random, bases.length)]!;
  return { base, input: mutated(target, base.input, random) };
}

/** Runs a parser over an input; undefined when it did what it must. */
export async function failureOf(target: Target, input: Input): Promise<Failure | undefined> {
  const before = process.memoryUsage().arrayBuffers;
  try {
    await target.run(input);
  } catch (error) {
    if (!isGyreError(error)) {
      const stack = error instanceof Error ? error.stack : undefined;
      return { reason: String(error), ...(stack === undefined ? {} : { stack }) };
    }
    if (target.namesSource && error.tag === "BadSource" && error.details.source === undefined) {
      return { reason: `names no source: ${error.message}`, stack: error.stack ?? "" };
    }
  }
  const grown = process.memoryUsage().arrayBuffers - before;
  return grown > MOST_ALLOCATED ? { reason: `left ${grown} bytes of typed arrays behind` } : undefined;
}

/** A damaged file as its differences from the original. */
export interface Patch {
  readonly file: string;
  /** Bytes of the original that `put` (hex) replaces. */
  readonly edits: readonly { readonly at: number; readonly drop: number; readonly put: string }[];
}

/** A case as it is kept: what was done to which fixture. */
export interface Regression {
  readonly target: string;
  readonly base: string;
  readonly patches: readonly Patch[];
  /** What went wrong before it was mended. */
  readonly was: string;
}

export function patchesOf(base: Input, input: Input): Patch[] {
  const patches: Patch[] = [];
  for (const [file, from] of base) {
    const to = input.get(file);
    if (to === undefined) patches.push({ file, edits: [] });
    else if (!Buffer.from(from).equals(to)) patches.push({ file, edits: editsOf(from, to) });
  }
  return patches;
}

function editsOf(from: Uint8Array, to: Uint8Array): Patch["edits"] {
  if (from.byteLength === to.byteLength) {
    const edits: { at: number; drop: number; put: string }[] = [];
    for (let at = 0; at < from.byteLength; at++) {
      if (from[at] === to[at]) continue;
      let end = at + 1;
      while (end < from.byteLength && from[end] !== to[end]) end++;
      edits.push({ at, drop: end - at, put: Buffer.from(to.subarray(at, end)).toString("hex") });
      at = end;
    }
    return edits;
  }
  let at = 0;
  while (at < from.byteLength && from[at] === to[at]) at++;
  let tail = 0;
  const most = Math.min(from.byteLength, to.byteLength) - at;
  while (tail < most && from[from.byteLength - 1 - tail] === to[to.byteLength - 1 - tail]) tail++;
  const put = Buffer.from(to.subarray(at, to.byteLength - tail)).toString("hex");
  return [{ at, drop: from.byteLength - tail - at, put }];
}

/** The input that patches make of a base; a patch without edits takes the file away. */
export function patched(base: Input, patches: readonly Patch[]): Input {
  const out = new Map(base);
  for (const { file, edits } of patches) {
    if (edits.length === 0) out.delete(file);
    let bytes = Buffer.from(base.get(file)!);
    for (const { at, drop, put } of edits.toReversed()) {
      bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(put, "hex"), bytes.subarray(at + drop)]);
    }
    if (edits.length > 0) out.set(file, new Uint8Array(bytes));
  }
  return out;
}

/** Takes edits back as long as the case still fails in the same way. */
export async function shrunk(target: Target, { base, input }: Case, failure: Failure): Promise<readonly Patch[]> {
  let patches = patchesOf(base.input, input);
  const stillFails = async (tried: readonly Patch[]): Promise<boolean> =>
    kindOf(await failureOf(target, patched(base.input, tried))) === kindOf(failure);
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const candidate of smaller(patches)) {
      if (!(await stillFails(candidate))) continue;
      patches = candidate;
      isSmaller = true;
      break;
    }
  }
  return patches;
}

function* smaller(patches: readonly Patch[]): Generator<Patch[]> {
  for (let i = 0; i < patches.length; i++) {
    if (patches.length > 1) yield patches.toSpliced(i, 1);
    const { file, edits } = patches[i]!;
    for (let k = 0; edits.length > 1 && k < edits.length; k++) {
      yield patches.with(i, { file, edits: edits.toSpliced(k, 1) });
    }
  }
}

/** Failures of one kind are one bug: what it says of the input does not count, the place in the source does. */
export function kindOf(failure: Failure | undefined): string {
  if (failure === undefined) return "";
  const places = [...(failure.stack ?? "").matchAll(/\/(src\/[^):]*?\.ts):\d+/g)].map(([, place]) => place);
  const place = places.find((path) => !/failure|errors|configuration/.test(path!)) ?? "";
  return `${/^\w+( \w+)?/.exec(failure.reason)?.[0]} ${place}`;
}
