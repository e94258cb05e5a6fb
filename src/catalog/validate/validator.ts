import type { Patch } from "../../core/event.ts";
import type { Json, StacCollection, StacItem } from "../../core/stac.ts";
import { type Fault, GyreError, isGyreError } from "../../errors.ts";
import { checkItem } from "../item-row.ts";
import { isObject } from "../json.ts";
import { patched } from "../patch.ts";
import { type Profile, profileOf } from "../profiles/profile.ts";
import { checkExtensions, type Extension, extensionOf } from "./extensions.ts";
import { geometryFaults } from "./geometry-faults.ts";
import { JsonSchemas } from "./json-schemas.ts";
import { withoutNulls } from "./nulls.ts";
import type { Policy } from "./policy.ts";
import { facetFaults, profileFaults } from "./profile-faults.ts";
import { type SchemaStore, schemaUrl } from "./schema-store.ts";
import { MAX_FAULTS } from "./shape.ts";
import { orderFaults, stacFaults } from "./stac-faults.ts";
import { MAX_EXTENSIONS } from "./stac-shapes.ts";

/** A document as it is accepted, and what is not right with it all the same. */
export interface Checked<T> {
  readonly document: T;
  readonly warnings: readonly Fault[];
}

/** Decides whether documents are good enough to be published. Everything throws Invalid, with all faults. */
export interface Validator {
  item(item: unknown, collection: string): Promise<Checked<StacItem>>;
  collection(collection: unknown): Promise<Checked<StacCollection>>;
  /** The document that a patch makes of one that is there. */
  patch(item: Json, patch: Patch, collection: string): Promise<Checked<StacItem>>;
  patchCollection(collection: Json, patch: Patch): Promise<Checked<StacCollection>>;
}

export interface ValidatorOptions {
  readonly store: SchemaStore;
  readonly policyOf: (collection: string) => Policy;
}

export function createValidator(options: ValidatorOptions): Validator {
  return new StacValidator(options);
}

/** A fault, and the last part of the problem's type that it makes. */
interface Found extends Fault {
  readonly type?: string;
}

type Members = Readonly<Record<string, unknown>>;

class StacValidator implements Validator {
  readonly #schemas: JsonSchemas;
  readonly #policyOf: ValidatorOptions["policyOf"];

  constructor({ store, policyOf }: ValidatorOptions) {
    this.#schemas = new JsonSchemas(store);
    this.#policyOf = policyOf;
  }

  async item(given: unknown, collection: string): Promise<Checked<StacItem>> {
    const { level, extensions } = this.#policyOf(collection);
    const profile = await profileOf(collection);
    const item: unknown = isObject(given) ? withoutNulls(given, profile?.prefix) : given;
    assertHoldable(item);
    if (item.collection !== undefined && item.collection !== collection)
      throw refusal([{ pointer: "/collection", detail: `must be ${collection}` }]);
    if (level === "off") return { document: item, warnings: [] };
    const allowed = extensions ?? (profile === undefined ? undefined : extensionsOf(profile));
    const { missing, faults } = checkExtensions(extensionUrls({ ...item }), allowed);
    // Only what is held to its extensions may claim them.
    const isCompleted = level === "refuse" && missing.length > 0;
    const document = isCompleted ? { ...item, stac_extensions: [...(item.stac_extensions ?? []), ...missing] } : item;
    return judged(document, level, [...faults, ...(await this.#itemFaults(document, profile))]);
  }

  async collection(given: unknown): Promise<Checked<StacCollection>> {
    assertCollection(given);
    const { level } = this.#policyOf(given.id);
    if (level === "off") return { document: given, warnings: [] };
    return judged(given, level, [
      ...stacFaults(given, "collection").take(MAX_FAULTS),
      ...(await this.#schemaFaults(given)),
    ]);
  }

  async patch(item: Json, patch: Patch, collection: string): Promise<Checked<StacItem>> {
    return this.item(patched(item, patch, "item"), collection);
  }

  async patchCollection(collection: Json, patch: Patch): Promise<Checked<StacCollection>> {
    return this.collection(patched(collection, patch, "collection"));
  }

  async #itemFaults(item: StacItem, profile: Profile | undefined): Promise<readonly Found[]> {
    const members = { ...item };
    return [
      ...stacFaults(members, "item").take(MAX_FAULTS),
      ...orderFaults(item.properties),
      ...(await geometryFaults(members)),
      ...(profile === undefined
        ? []
        : [...profileFaults(members, profile).take(MAX_FAULTS), ...facetFaults(members, profile)]),
      ...(await this.#schemaFaults(members, profile?.schema)),
    ];
  }

  /** By the published schema of each extension that a document names; that of a profile need not be stored. */
  async #schemaFaults(document: Members, profiled?: string): Promise<readonly Found[]> {
    const faults: Found[] = [];
    for (const [i, url] of extensionUrls(document).entries()) {
      const pointer = `/stac_extensions/${i}`;
      try {
        const found = await this.#schemas.faults(document, url);
        if (found !== undefined) faults.push(...found);
        else if (schemaUrl(url) !== profiled)
          faults.push({ pointer, detail: `its schema is not stored; try: gyre schemas add ${url.slice(0, 300)}` });
      } catch (error) {
        // A broken schema is the operator's trouble: the publisher is told that it could not be asked.
        if (!isGyreError(error, "BadSource")) throw error;
        faults.push({ pointer, detail: error.message });
      }
    }
    return faults;
  }
}

/** What the catalogue cannot hold is refused under every policy. */
function assertHoldable(item: unknown): asserts item is StacItem {
  checkItem(item);
}

function assertCollection(given: unknown): asserts given is StacCollection {
  if (!isObject(given) || given.type !== "Collection" || typeof given.id !== "string")
    throw refusal([{ pointer: "", detail: "must be a STAC Collection with an id" }]);
}

function extensionUrls({ stac_extensions: urls }: Members): readonly string[] {
  if (!Array.isArray(urls)) return [];
  return urls.filter((url) => typeof url === "string").slice(0, MAX_EXTENSIONS);
}

/** The project's own extension and those that it builds on, appended where they are missing. */
function extensionsOf(profile: Profile): readonly Extension[] {
  return [profile.schema, ...profile.extensions].flatMap((url) => extensionOf(url, "append") ?? []);
}

function judged<T>(document: T, level: "warn" | "refuse", found: readonly Found[]): Checked<T> {
  if (level === "refuse" && found.length > 0) throw refusal(found);
  return { document, warnings: found.slice(0, MAX_FAULTS).map(({ pointer, detail }) => ({ pointer, detail })) };
}

function refusal(found: readonly Found[]): GyreError {
  const [first] = found;
  const more = found.length > 1 ? ` (and ${found.length - 1} more)` : "";
  return new GyreError("Invalid", `${first?.pointer || "/"}: ${first?.detail}${more}`, {
    faults: found.slice(0, MAX_FAULTS).map(({ pointer, detail }) => ({ pointer, detail })),
    type: found.find(({ type }) => type !== undefined)?.type ?? "stac-validation",
  });
}
