import type { Fault } from "../../errors.ts";
import { isObject } from "../json.ts";
import type { Profile } from "../profiles/profile.ts";
import { isFormat } from "./formats.ts";
import { escaped, faultsOf } from "./shape.ts";

type Members = Readonly<Record<string, unknown>>;

/** What a project asks of an item, as its published schema does. The item is STAC already. */
export function* profileFaults(item: Members, profile: Profile): Generator<Fault> {
  if (profile.collection !== undefined && item.collection !== profile.collection)
    yield { pointer: "/collection", detail: `must be ${profile.collection}` };
  yield* faultsOf(item, { kind: "object", members: profile.head }, "");
  if (isObject(item.properties)) yield* propertyFaults(item.properties, profile);
  if (isObject(item.assets)) {
    for (const [name, asset] of Object.entries(item.assets))
      if (isObject(asset)) yield* assetFaults(asset, profile, `/assets/${escaped(name)}`);
  }
  if (Array.isArray(item.links)) yield* linkFaults(item.links, profile);
}

function* propertyFaults(properties: Members, { required, requiredAny, properties: members, prefix }: Profile) {
  yield* faultsOf(properties, { kind: "object", required, members }, "/properties");
  if (requiredAny?.every((name) => !Object.hasOwn(properties, name)) === true)
    yield { pointer: "/properties", detail: `has no property that begins with ${prefix}:` };
  for (const name of Object.keys(properties)) {
    if (name.startsWith(`${prefix}:`) && !Object.hasOwn(members, name))
      yield { pointer: `/properties/${escaped(name)}`, detail: `there is no such property of ${prefix}` };
  }
}

function* assetFaults(asset: Members, { asset: { required, netcdf, members } }: Profile, pointer: string) {
  const wanted = asset.type === "application/netcdf" ? [...required, ...netcdf] : required;
  yield* faultsOf(asset, { kind: "object", required: wanted, members }, pointer);
}

function* linkFaults(links: readonly unknown[], { link: { required, isAbsolute, rules } }: Profile): Generator<Fault> {
  for (const rel of required) {
    if (!links.some((link) => isObject(link) && link.rel === rel))
      yield { pointer: "/links", detail: `has no link of relation ${rel}` };
  }
  for (const [i, link] of links.entries()) {
    if (!isObject(link)) continue;
    if (isAbsolute && typeof link.href === "string" && !isFormat("uri", link.href))
      yield { pointer: `/links/${i}/href`, detail: "must be an absolute URI" };
    for (const { rel, href, title, type } of rules) {
      if (link.rel !== rel) continue;
      if (href !== undefined && typeof link.href === "string")
        yield* faultsOf(link.href, { kind: "text", pattern: href }, `/links/${i}/href`);
      if (title !== undefined && link.title !== undefined && link.title !== title)
        yield { pointer: `/links/${i}/title`, detail: `must be ${JSON.stringify(title)}` };
      if (type !== undefined && link.type !== undefined && link.type !== type)
        yield { pointer: `/links/${i}/type`, detail: `must be ${type}` };
    }
  }
}

/** Where the parts of an id and the properties that it repeats are not the same. */
export function* facetFaults(item: Members, { facets, prefix, project }: Profile): Generator<Fault> {
  if (typeof item.id !== "string" || !isObject(item.properties)) return;
  const parts = item.id.split(".");
  if (parts.length !== facets.length + 1)
    return yield { pointer: "/id", detail: `an id of ${project} is made of ${facets.join(".")} and a version` };
  for (const [i, facet] of facets.entries()) {
    const name = `${prefix}:${facet}`;
    const said = Object.hasOwn(item.properties, name) ? item.properties[name] : undefined;
    // A project may keep the era of another (CMIP6Plus).
    if (parts[i] === project) continue;
    const values = Array.isArray(said) ? said : said === undefined ? [] : [said];
    if (values.length > 0 && !values.some((value) => String(value) === parts[i]))
      yield {
        pointer: `/properties/${escaped(name)}`,
        detail: `is ${JSON.stringify(said).slice(0, 100)}, and the id says ${JSON.stringify(parts[i]!.slice(0, 100))}`,
      };
  }
}
