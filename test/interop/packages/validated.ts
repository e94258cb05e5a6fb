import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { extractDownload } from "../../../src/client/download.ts";
import type { Extract } from "../../../src/client/index.ts";
import { findProgram, missing } from "../../services/services.ts";
import type { Place } from "./place.ts";

const run = promisify(execFile);
const FRICTIONLESS = fileURLToPath(new URL("../../../.peers/frictionless/bin/frictionless", import.meta.url));
const INFO: Readonly<Record<string, readonly string[]>> = {
  ".tif": ["gdalinfo", "-checksum"],
  ".gpkg": ["ogrinfo", "-al", "-so"],
};

/** Why packages cannot be looked at by others here. */
export function validatorMissing(): string | undefined {
  if (!existsSync(FRICTIONLESS))
    return missing("frictionless is not installed (node scripts/services.ts install)").unavailable;
  const has = (name: string): boolean => findProgram(name, ["/usr/bin"]) !== undefined;
  return has("gdalinfo") && has("ogrinfo") ? undefined : missing("GDAL is not installed").unavailable;
}

/**
 * The package of a boundary as others see it: all files downloaded and as long and digested as it says, valid for
 * frictionless, and opened by GDAL where that knows them.
 */
export async function validated({ client, folder }: Place, boundary: string): Promise<Extract> {
  const extract = await client.extract(boundary);
  const paths = await extractDownload(client, boundary, join(folder, "downloads"), { overwrite: true });
  // Work that goes on may have added to it meanwhile.
  assert.ok(paths.length >= extract.datapackage.resources.flatMap(({ path }) => path).length);
  for (const path of paths) {
    const [program, ...options] = INFO[/\.[a-z]+$/.exec(path)?.[0] ?? ""] ?? [];
    if (program !== undefined) await run(program, [...options, path]);
  }
  const url = `${extract.uri}datapackage.json`;
  const { stdout } = await run(FRICTIONLESS, ["validate", "--json", url]).catch((error: { stdout?: string }) => {
    throw new Error(`frictionless refuses ${url}: ${error.stdout}`);
  });
  assert.equal((JSON.parse(stdout) as { valid: boolean }).valid, true, stdout);
  return extract;
}
