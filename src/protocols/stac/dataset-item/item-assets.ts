import type { SourceFile } from "../../../core/access.ts";
import type { Attrs } from "../../../core/array.ts";
import { textAttr } from "../../../core/attrs.ts";
import type { StacAsset } from "../../../core/stac.ts";
import { datasetUrl } from "../../protocol.ts";
import type { Members } from "./members.ts";
import type { ProjectRecord } from "./project.ts";

/** Files of one item that are named; those of more are found through the references. */
export const MOST_FILES = 1000;
/** What the file extension (2.1.0) takes for a path. */
const LOCAL_PATH = /^[^\r\n\t\\:'"/]+(?:\/[^\r\n\t\\:'"/]+)*$/;

export interface AssetParts {
  readonly id: string;
  readonly attrs: Attrs;
  readonly files: readonly SourceFile[];
  readonly record: ProjectRecord | undefined;
  readonly created: string | undefined;
}

/** The addresses at which this node serves the dataset: decoded, by reference, and its files as they are stored. */
export function itemAssets(parts: AssetParts, base: URL): { readonly [key: string]: StacAsset } {
  const { id, files } = parts;
  const protocol = base.protocol.replace(":", "");
  const dates: Members = parts.created === undefined ? {} : { created: parts.created, updated: parts.created };
  const common = { ...dates, "alternate:name": base.host, ...trackingId(parts, true) };
  const assets: [string, StacAsset][] = [
    [
      "zarr",
      {
        href: datasetUrl(base, id, "zarr"),
        type: "application/vnd+zarr",
        title: "Zarr, encoded as every client reads it",
        roles: ["data"],
        ...common,
        protocol,
      },
    ],
    [
      "kerchunk",
      {
        href: datasetUrl(base, id, "kerchunk.json"),
        type: "application/json",
        title: "References to the stored chunks, for fsspec and VirtualiZarr",
        roles: ["references"],
        ...common,
        protocol: "kerchunk",
      },
    ],
  ];
  for (const file of files.slice(0, MOST_FILES)) {
    const name = fileName(file.source);
    assets.push([
      assets.some(([key]) => key === name) ? file.id : name,
      {
        href: datasetUrl(base, file.id, "kerchunk"),
        type: "application/vnd+zarr",
        title: `${name}: its chunks as they are stored, under Zarr keys`,
        roles: ["data", "source"],
        ...common,
        ...trackingId(parts, files.length === 1),
        protocol,
        ...(file.size === undefined ? {} : { "file:size": file.size }),
        ...localPath(parts.record === undefined ? name : `${parts.record.path}/${name}`),
      },
    ]);
  }
  return Object.fromEntries(assets);
}

function localPath(path: string): Members {
  return LOCAL_PATH.test(path) ? { "file:local_path": path } : {};
}

/** The handle of the file, which a cube has of its first file only; on all assets where the project asks for it. */
function trackingId({ attrs, record }: AssetParts, isOwn: boolean): Members {
  if (record === undefined || !isOwn) return {};
  const { asset, prefix } = record.profile;
  const name = `${prefix}:tracking_id`;
  const shape = Object.hasOwn(asset.members, name) ? asset.members[name] : undefined;
  const text = textAttr(attrs, "tracking_id");
  if (text === undefined || shape?.kind !== "text" || shape.pattern === undefined) return {};
  return new RegExp(shape.pattern).test(text.slice(0, 200)) ? { [name]: text } : {};
}

/** The last part of an address, as people write it. */
function fileName(source: string): string {
  const last =
    source
      .replace(/[?#].*$/, "")
      .split("/")
      .at(-1) ?? "";
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
