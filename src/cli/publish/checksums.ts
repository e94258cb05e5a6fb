import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { fileURLToPath } from "node:url";
import type { SourceFile } from "../../core/access.ts";
import type { StacAsset, StacItem } from "../../core/stac.ts";
import { GyreError } from "../../errors.ts";
import type { CommandIo } from "../command.ts";

/** SHA-256 with 32 bytes, as multihash writes it before the digest. */
const MULTIHASH = "1220";

/** The item with the checksums of its files, which are read from end to end. */
export async function addChecksums(
  item: StacItem,
  files: readonly SourceFile[],
  base: URL,
  io: CommandIo,
): Promise<StacItem> {
  const assets: [string, StacAsset][] = [];
  for (const [key, asset] of Object.entries(item.assets)) {
    const file = files.find(({ id }) => asset.href === `${base.href}datasets/${encodeURIComponent(id)}/kerchunk`);
    const sum = file === undefined ? undefined : await checksum(new URL(file.source), io);
    assets.push([key, sum === undefined ? asset : { ...asset, "file:checksum": sum }]);
  }
  return { ...item, assets: Object.fromEntries(assets) };
}

async function checksum(source: URL, { signal, err }: CommandIo): Promise<string | undefined> {
  const hash = createHash("sha256");
  if (source.protocol === "file:") {
    for await (const piece of createReadStream(fileURLToPath(source), { signal })) hash.update(piece as Uint8Array);
  } else if (/^https?:$/.test(source.protocol)) {
    const response = await fetch(source, { signal });
    if (!response.ok || response.body === null)
      throw new GyreError("BadSource", `${source.href} answers ${response.status}`, { source: source.href });
    for await (const piece of response.body) hash.update(piece);
  } else {
    err(`${source.href}: no checksum; only files and http addresses are read whole`);
    return undefined;
  }
  return MULTIHASH + hash.digest("hex");
}
