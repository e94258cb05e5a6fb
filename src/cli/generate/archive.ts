import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { createDecoder } from "../../codecs/pool.ts";
import { createCodecRegistry } from "../../codecs/registry.ts";
import { createLocalFiles } from "../../files/local.ts";
import { type ArchiveFormat, generateArchive } from "../../write/synthetic/archive.ts";
import type { CommandIo } from "../command.ts";

export interface ArchiveRequest {
  readonly count: number;
  readonly format: ArchiveFormat;
  readonly out: string;
  readonly seed: number;
  readonly months: number;
  readonly grid: readonly [rows: number, columns: number];
  readonly json: boolean;
}

/** Writes the files of an archive and says where each lies. */
export async function generateFiles({ out, json, ...request }: ArchiveRequest, io: CommandIo): Promise<void> {
  const files = createLocalFiles();
  const encoder = createDecoder({ registry: createCodecRegistry(), workers: 0 });
  try {
    const folder = pathToFileURL(`${resolve(out)}/`);
    for await (const { dataset, url, format } of generateArchive({
      ...request,
      folder,
      files,
      encoder,
      signal: io.signal,
    })) {
      io.out(json ? JSON.stringify({ dataset, url: url.href, format }) : decodeURIComponent(url.pathname));
    }
  } finally {
    await encoder.close();
    await files.close?.();
  }
}
