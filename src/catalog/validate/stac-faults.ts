import type { Fault } from "../../errors.ts";
import { readInstant } from "../cql2/instant.ts";
import { isObject } from "../json.ts";
import { isFormat } from "./formats.ts";
import { faultsOf } from "./shape.ts";
import { collectionShape, itemShape } from "./stac-shapes.ts";

type Members = Readonly<Record<string, unknown>>;

const SHAPES = {
  item: { "1.0": itemShape("1.0"), "1.1": itemShape("1.1") },
  collection: { "1.0": collectionShape("1.0"), "1.1": collectionShape("1.1") },
} as const;

/** What STAC itself asks of a document, 1.0 or 1.1 as it says; geometries apart. */
export function* stacFaults(document: Members, kind: "item" | "collection"): Generator<Fault> {
  const version = versionOf(document.stac_version);
  if (version === undefined) {
    yield { pointer: "/stac_version", detail: "must be 1.0.0 or 1.1.0" };
  }
  yield* faultsOf(document, SHAPES[kind][version ?? "1.1"], "");
  if (version === "1.1") yield* selfFaults(document.links);
  if (kind === "collection") return;
  if (isObject(document.properties)) yield* timeFaults(document.properties);
  const { links } = document;
  const isMember = Array.isArray(links) && links.some((link) => isObject(link) && link.rel === "collection");
  if (isMember && document.collection === undefined) yield { pointer: "/collection", detail: "is missing" };
}

function versionOf(text: unknown): "1.0" | "1.1" | undefined {
  if (typeof text !== "string") return undefined;
  return /^1\.0\.[01]$/.test(text) ? "1.0" : /^1\.1\.0$/.test(text) ? "1.1" : undefined;
}

/** STAC 1.1: `self` must be absolute. */
function* selfFaults(links: unknown): Generator<Fault> {
  if (!Array.isArray(links)) return;
  for (const [i, link] of links.entries()) {
    if (isObject(link) && link.rel === "self" && typeof link.href === "string" && !isFormat("iri", link.href))
      yield { pointer: `/links/${i}/href`, detail: "must be absolute, being self" };
  }
}

/** Without `datetime` an item has a start and an end, and either comes with the other. */
function* timeFaults(properties: Members): Generator<Fault> {
  const { datetime, start_datetime: start, end_datetime: end } = properties;
  if (datetime === null && start === undefined && end === undefined)
    yield { pointer: "/properties/datetime", detail: "is null, and there are no start_datetime and end_datetime" };
  if (start === undefined && end !== undefined) yield { pointer: "/properties/start_datetime", detail: "is missing" };
  if (end === undefined && start !== undefined) yield { pointer: "/properties/end_datetime", detail: "is missing" };
}

/** Beyond the schema: an item does not end before it starts. */
export function* orderFaults(properties: unknown): Generator<Fault> {
  if (!isObject(properties)) return;
  const [start, end] = [properties.start_datetime, properties.end_datetime].map((text) =>
    typeof text === "string" ? readInstant(text)?.micros : undefined,
  );
  if (start !== undefined && end !== undefined && start > end)
    yield { pointer: "/properties/end_datetime", detail: "lies before start_datetime" };
}
