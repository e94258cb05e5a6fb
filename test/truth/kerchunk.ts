import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { referencesFromJson } from "../../src/formats/kerchunk/references.ts";
import type { JsonObject } from "../../src/formats/zarr/json.ts";

/** A reference set in one figure: how many keys it has, and a digest of what each leads to. */
export interface ReferenceDigest {
  readonly keys: number;
  readonly sha256: string;
}

/** One per reference set of a file; some files hold a list of them. */
export async function referenceDigests(file: URL): Promise<ReferenceDigest[]> {
  const json = JSON.parse(readFileSync(file, "utf8")) as JsonObject | readonly JsonObject[];
  return Promise.all([json].flat().map((document) => digest(file, document as JsonObject)));
}

/** What fsspec, kerchunk's own reader, made of the real files; written by `test/fixtures/kerchunk/make.py`. */
export function recordedDigests(name: string): readonly ReferenceDigest[] | undefined {
  const expected = new URL("../fixtures/kerchunk/expected.json", import.meta.url);
  const records = JSON.parse(readFileSync(expected, "utf8")) as Record<string, readonly ReferenceDigest[]>;
  return records[`data/${name}`];
}

async function digest(file: URL, document: JsonObject): Promise<ReferenceDigest> {
  const references = referencesFromJson(file, document);
  const lines: string[] = [];
  for (const key of [...references.keys()].sort()) {
    const ref = await references.get(key);
    if (ref === undefined) throw new Error(`${file.href} has no ${key}, which it lists`);
    if (ref instanceof Uint8Array) lines.push(`${key}\t${Buffer.from(ref).toString("base64")}`);
    else lines.push([key, ref.href, ...(ref.length === undefined ? [] : [ref.offset, ref.length])].join("\t"));
  }
  return { keys: lines.length, sha256: createHash("sha256").update(lines.join("\n")).digest("hex") };
}
