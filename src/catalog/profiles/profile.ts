import type { Shape } from "../validate/shape.ts";

/** What a project of ESGF asks of its items: data that `scripts/profiles.ts` writes from what the project publishes. */
export interface Profile {
  readonly project: string;
  /** Of the names of its properties, without the colon; no others may begin so. */
  readonly prefix: string;
  /** The parts of an id before the version, by the properties that they repeat. */
  readonly facets: readonly string[];
  /** URL of the published schema: the lowest version that is taken. */
  readonly schema: string;
  /** Other extensions that an item has, in their lowest versions. */
  readonly extensions: readonly string[];
  /** The only id that the collection may have. */
  readonly collection?: string;
  /** Members of the item itself. */
  readonly head: Readonly<Record<string, Shape>>;
  readonly required: readonly string[];
  /** At least one of them is there. */
  readonly requiredAny?: readonly string[];
  readonly properties: Readonly<Record<string, Shape>>;
  readonly asset: {
    readonly required: readonly string[];
    /** What assets of NetCDF have besides. */
    readonly netcdf: readonly string[];
    readonly members: Readonly<Record<string, Shape>>;
  };
  readonly link: {
    /** Relations of which there is a link. */
    readonly required: readonly string[];
    readonly isAbsolute: boolean;
    readonly rules: readonly {
      readonly rel: string;
      readonly href?: string;
      readonly title?: string;
      readonly type?: string;
    }[];
  };
}

const LOADERS: Readonly<Record<string, () => Promise<{ readonly default: unknown }>>> = {
  CMIP6: () => import("./cmip6.json", { with: { type: "json" } }),
  CMIP6Plus: () => import("./cmip6plus.json", { with: { type: "json" } }),
  CMIP7: () => import("./cmip7.json", { with: { type: "json" } }),
  "CORDEX-CMIP6": () => import("./cordex-cmip6.json", { with: { type: "json" } }),
  obs4MIPs: () => import("./obs4mips.json", { with: { type: "json" } }),
};

/** The projects that there are profiles of. */
export const PROJECTS: readonly string[] = Object.keys(LOADERS);

const loaded = new Map<string, Promise<Profile>>();

/** The profile of the project that a collection is named by, read at its first use; undefined for other collections. */
export async function profileOf(collection: string): Promise<Profile | undefined> {
  const load = Object.hasOwn(LOADERS, collection) ? LOADERS[collection] : undefined;
  if (load === undefined) return undefined;
  // An import that is known takes as long as all checks of an item.
  const profile = loaded.get(collection) ?? load().then((module) => module.default as Profile);
  loaded.set(collection, profile);
  return profile;
}
