import type { RasterConfig, TableConfig, VectorConfig } from "../../config/processors.ts";
import type { Json } from "../../core/array.ts";
import { type Crs, crsFromEpsg, crsFromProj, crsFromWkt } from "../../core/crs.ts";
import { GyreError } from "../../errors.ts";
import { digest } from "../../formats/version.ts";
import type { ProcessorMetadata } from "./processor.ts";

type Configured = RasterConfig | VectorConfig | TableConfig;

/** Keys of a configuration that say nothing about what is made. */
const ABOUT = new Set([
  ...["description", "author", "title", "titleLong", "summary", "citation", "license", "originUrl", "queue"],
]);

/** What people are told, with what the configuration leaves out. */
export function metadataOf(config: Configured, formats: readonly string[]): ProcessorMetadata {
  const { dataset, version, description, author, citation, license } = config;
  const title = config.title ?? dataset;
  return {
    ...{ dataset, version, description, author, citation, license, title, formats },
    titleLong: config.titleLong ?? title,
    summary: config.summary ?? description,
    originUrl: config.originUrl ?? originOf(config.source),
  };
}

/** All that decides what is made of a source. */
export function optionsOf(config: Configured): Json {
  const options = Object.entries(config).filter(([key]) => !ABOUT.has(key) && key !== "source");
  return JSON.parse(JSON.stringify(Object.fromEntries(options))) as Json;
}

/** Digest of the source's state and of the options: a changed one is another recipe. */
export function recipeDigest(config: Configured, version: string): string {
  return `sha256:${digest([version, JSON.stringify(optionsOf(config))])}`;
}

/** Where the first source is from, for people: without what may be a secret. */
function originOf(source: Configured["source"]): string {
  const [first] = [source].flat();
  if (first !== undefined && "zenodo" in first) return new URL(`/records/${first.zenodo}`, first.api).href;
  const address = Object.values(first ?? {})
    .flat()
    .find((value) => typeof value === "string" && URL.canParse(value));
  const url = URL.parse(String(address));
  return url === null || !/^https?:$/.test(url.protocol) ? "about:blank" : `${url.origin}${url.pathname}`;
}

/** A CRS as configurations write it: `EPSG:4326`, WKT or a PROJ string. Throws BadRequest for what is none. */
export function crsOf(text: string): Crs {
  const code = /^EPSG:(\d{1,6})$/i.exec(text)?.[1];
  const crs =
    code !== undefined ? crsFromEpsg(Number(code)) : text.startsWith("+") ? crsFromProj(text) : crsFromWkt(text);
  if (crs === undefined) throw new GyreError("BadRequest", `${text.slice(0, 100)} is no CRS that is known`);
  return crs;
}
