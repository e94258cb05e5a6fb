import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Boundary } from "../../../src/flows/boundaries/boundary.ts";
import type { NewDataset } from "../../../src/flows/packages/package-store.ts";
import type { MadeFile, ProcessorMetadata } from "../../../src/flows/processors/processor.ts";

/** A square island: larger ones are other boundaries. */
export function island(name: string, size = 1): Boundary {
  const ring = [
    [0, 0],
    [size, 0],
    [size, size],
    [0, size],
    [0, 0],
  ];
  const geometry = { type: "MultiPolygon", coordinates: [[ring]] } as const;
  const digest = `sha256:${createHash("sha256").update(JSON.stringify(geometry)).digest("hex")}`;
  const nameLong = name.replace(/^./, (first) => first.toUpperCase());
  return { name, nameLong, adminLevel: 0, geometry, bbox: [0, 0, size, size], digest };
}

export function metadataOf(
  dataset: string,
  version = "version_1",
  more: Partial<ProcessorMetadata> = {},
): ProcessorMetadata {
  return {
    ...{ dataset, version, author: "Somebody <somebody@example.org>", title: `All of ${dataset}` },
    ...{ description: `What is known of ${dataset}.`, titleLong: `${dataset}, the long story`, summary: "A summary" },
    citation: "Somebody (2024): everything. doi:10.5281/zenodo.1",
    license: { name: "CC-BY-4.0", path: "https://creativecommons.org/licenses/by/4.0/", title: "Attribution 4.0" },
    originUrl: "https://example.org/data",
    formats: ["GeoTIFF"],
    ...more,
  };
}

/** By the name of the file; with a slash it lies in a folder. */
export type Contents = Readonly<Record<string, string | Uint8Array>>;

const TIFF = "image/tiff; application=geotiff";

export interface Making {
  readonly boundary?: Boundary;
  readonly metadata?: ProcessorMetadata;
  readonly sourceDigest?: string;
  readonly run?: string;
  readonly files?: readonly MadeFile[];
  readonly isEmpty?: boolean;
  readonly notes?: readonly string[];
  readonly signal?: AbortSignal;
}

/** What a processor would have made in a folder, which is removed when `work` is done with it. */
export async function withMade<T>(
  contents: Contents,
  { boundary = island("atlantis"), metadata = metadataOf("roads"), ...more }: Making,
  work: (made: NewDataset) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "gyre-made-"));
  try {
    for (const [name, content] of Object.entries(contents)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content);
    }
    const names = [...new Set(Object.keys(contents).map((name) => name.replace(/\/.*/, "")))];
    const files = more.files ?? names.map((name): MadeFile => ({ name, format: "GeoTIFF", mediaType: TIFF }));
    const generated = { files, isEmpty: more.isEmpty ?? false, notes: more.notes ?? [] };
    const { sourceDigest = "sha256:1", run = "run-1", signal = new AbortController().signal } = more;
    return await work({ boundary, metadata, sourceDigest, folder, generated, run, signal });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The founding system's name of a file. */
export function fileName(dataset: string, boundary: string, extension: string, version = "version_1"): string {
  return `${dataset}-${version}-${boundary}.${extension}`;
}
