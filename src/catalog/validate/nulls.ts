import type { Json } from "../../core/stac.ts";
import { isObject } from "../json.ts";

type Members = Readonly<Record<string, Json>>;

/**
 * An item without the nulls of optional fields, as generators of models write them. Only fields of STAC itself and of
 * the project: in other extensions null may say something (`proj:epsg`).
 */
export function withoutNulls(item: Members, prefix: string | undefined): Members {
  const dropped = drop(item, prefix, ["geometry"]);
  const { properties, assets, links } = dropped;
  return {
    ...dropped,
    ...(isObject(properties) ? { properties: droppedProperties(properties, prefix) } : {}),
    ...(isObject(assets) ? { assets: mapped(assets, (asset) => (isObject(asset) ? drop(asset, prefix) : asset)) } : {}),
    ...(Array.isArray(links) ? { links: dropAll(links, prefix) } : {}),
  };
}

function droppedProperties(properties: Members, prefix: string | undefined): Members {
  const dropped = drop(properties, prefix, ["datetime"]);
  return Array.isArray(dropped.providers) ? { ...dropped, providers: dropAll(dropped.providers, prefix) } : dropped;
}

function dropAll(list: readonly Json[], prefix: string | undefined): readonly Json[] {
  return list.map((each) => (isObject(each) ? drop(each, prefix) : each));
}

function drop(members: Members, prefix: string | undefined, kept: readonly string[] = []): Members {
  const isOurs = (name: string): boolean =>
    !name.includes(":") || (prefix !== undefined && name.startsWith(`${prefix}:`));
  return Object.fromEntries(
    Object.entries(members).filter(([name, value]) => value !== null || kept.includes(name) || !isOurs(name)),
  );
}

function mapped(members: Members, of: (value: Json) => Json): Members {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, of(value)]));
}
