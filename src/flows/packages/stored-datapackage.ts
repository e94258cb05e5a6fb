import { z } from "zod";
import { badSource } from "../../errors.ts";
import type { DataPackage } from "./datapackage.ts";
import { isBoundaryName, isDatasetName, isPackagePath, TIME } from "./names.ts";

/** More than 50,000 files. */
export const MOST_BYTES = 32 * 1024 * 1024;
const MOST_RESOURCES = 2000;
const MOST_FILES = 100_000;

const text = z.string().max(20_000);
const word = z.string().max(1000);
const time = z.string().regex(TIME);
const version = z.string().regex(/^\d{1,9}\.0\.0$/);
const path = z.string().max(2000).refine(isPackagePath, "leads out of the package");
const hash = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const bytes = z.int().min(0);

const licence = z.looseObject({ name: word, path: word.default(""), title: text.default("") });
const file = z.looseObject({
  path,
  bytes,
  hash,
  crc32: z.int().min(0).max(0xffffffff),
  mediatype: word,
  format: word,
  title: text.optional(),
  crs: text.optional(),
});
const facts = z.looseObject({
  dataset: z.string().refine(isDatasetName),
  titleLong: text,
  summary: text,
  citation: text,
  author: text,
  originUrl: text,
  sourceDigest: word,
  boundaryDigest: word,
  run: word,
  options: z.json().optional(),
  notes: z.array(text).max(1000),
  isEmpty: z.boolean(),
  software: word,
  created: time,
});
const resource = z.looseObject({
  name: word,
  version: word,
  title: text.optional(),
  description: text,
  path: z.array(path).max(MOST_FILES),
  format: word,
  mediatype: word.optional(),
  bytes,
  hash: hash.optional(),
  hashes: z.array(hash).max(MOST_FILES),
  license: licence.optional(),
  licenses: z.array(licence).max(20).default([]),
  sources: z.array(z.looseObject({ title: text, path: word.optional() })).max(100),
  files: z.array(file).max(MOST_FILES),
  gyre: facts.optional(),
});
const datasetVersion = resource.refine(
  ({ gyre, version }) => gyre === undefined || isDatasetName(version),
  "a version that is no name",
);
const change = z.looseObject({
  change: z.enum(["added", "replaced", "removed"]),
  dataset: word,
  left: z.array(path).max(MOST_FILES).optional(),
});
const descriptor = z.looseObject({
  name: z.string().refine(isBoundaryName),
  title: text,
  version,
  created: time,
  updated: time,
  licenses: z.array(licence).max(MOST_RESOURCES).default([]),
  resources: z.array(datasetVersion).min(1).max(MOST_RESOURCES),
  boundary: z.looseObject({
    name: z.string().refine(isBoundaryName),
    nameLong: text,
    adminLevel: z.number(),
    bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]),
    digest: word,
  }),
  history: z.array(z.looseObject({ version, time, changes: z.array(change).max(MOST_RESOURCES) })).max(1000),
});

/**
 * A stored `datapackage.json`. Its paths are the only ones that are ever read of a package, so they are checked here.
 * Throws BadSource where it is none that this node could have written.
 */
export function parseDataPackage(url: URL, bytes: Uint8Array): DataPackage {
  if (bytes.byteLength > MOST_BYTES) throw badSource(url, undefined, `has more than ${MOST_BYTES} bytes`);
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw badSource(url, undefined, "is no JSON text", cause);
  }
  const parsed = descriptor.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const reason = `is no data package of Gyre (${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""})`;
  throw badSource(url, undefined, `${reason}; gyre package redescribe writes it anew`);
}

/** The text that is stored. Data Package v2 has no empty list of licences, and none with an empty path. */
export function datapackageText(datapackage: DataPackage): string {
  const isNone = (key: string, value: unknown): boolean =>
    (key === "licenses" && Array.isArray(value) && value.length === 0) || (key === "path" && value === "");
  return `${JSON.stringify(datapackage, (key, value) => (isNone(key, value) ? undefined : value), 2)}\n`;
}
