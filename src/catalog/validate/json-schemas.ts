import type { Ajv, AnySchemaObject, ErrorObject, ValidateFunction } from "ajv";
import { type Fault, GyreError } from "../../errors.ts";
import { type Format, isFormat } from "./formats.ts";
import { type SchemaStore, schemaUrl } from "./schema-store.ts";

/** Compiled schemas that are kept; each holds those that it refers to. */
const MAX_COMPILED = 64;
export const MAX_SCHEMA_BYTES = 8 * 1024 * 1024;
/** How long a schema that is absent is not looked for again: each of a thousand items names the same ones. */
const ABSENT_MS = 1000;
/** Faults of one document by one schema. */
const MAX_FAULTS = 50;
const FORMATS: readonly Format[] = ["iri", "iri-reference", "uri", "date-time"];
const DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema";

/** Schemas of STAC and GeoJSON themselves, to which extensions refer: what they ask is checked here without them. */
const CHECKED_HERE = /^https:\/\/(?:schemas\.stacspec\.org|geojson\.org\/schema)\//;
const META = /^https?:\/\/json-schema\.org\//;

/** Whether a schema that others refer to need not be stored. */
export function isKnownSchema(url: string): boolean {
  return CHECKED_HERE.test(url) || META.test(url);
}

interface Compiled {
  readonly found: Promise<ValidateFunction | undefined>;
  /** Of one that is not there, or broken: it may be there later. */
  until?: number;
}

/** Checks documents by published JSON Schemas out of a store, draft-07 or 2020-12. Nothing is ever fetched. */
export class JsonSchemas {
  readonly #store: SchemaStore;
  readonly #now: () => number;
  /** By URL, the one used last at the end. */
  readonly #compiled = new Map<string, Compiled>();

  /** `now` tells milliseconds, so that tests need not wait. */
  constructor(store: SchemaStore, now: () => number = () => performance.now()) {
    this.#store = store;
    this.#now = now;
  }

  /** Undefined: the schema is not in the store. Throws BadSource when it, or one that it refers to, is broken. */
  async faults(document: unknown, url: string): Promise<readonly Fault[] | undefined> {
    const validate = await this.#validator(schemaUrl(url));
    if (validate === undefined) return undefined;
    if (validate(document)) return [];
    // Those that only say that a part failed come after what failed.
    return (validate.errors ?? []).slice(0, MAX_FAULTS).map(faultOf);
  }

  #validator(url: string): Promise<ValidateFunction | undefined> {
    const known = this.#compiled.get(url);
    this.#compiled.delete(url);
    const isKnown = known !== undefined && (known.until === undefined || this.#now() < known.until);
    const compiled: Compiled = isKnown ? known : { found: this.#compile(url) };
    this.#compiled.set(url, compiled);
    if (this.#compiled.size > MAX_COMPILED) this.#compiled.delete(this.#compiled.keys().next().value!);
    if (!isKnown) {
      const forget = (): void => {
        compiled.until = this.#now() + ABSENT_MS;
      };
      compiled.found.then((validate) => validate === undefined && forget(), forget);
    }
    return compiled.found;
  }

  async #compile(url: string): Promise<ValidateFunction | undefined> {
    const bytes = await this.#store.read(url);
    if (bytes === undefined) return undefined;
    // Without an $id its own address is what references are relative to.
    const schema: AnySchemaObject = { $id: url, ...readSchema(url, bytes) };
    const ajv = await createAjv(schema, async (uri) => {
      const referred = await this.#store.read(uri);
      if (referred !== undefined) return readSchema(uri, referred);
      if (CHECKED_HERE.test(uri)) return {};
      throw new GyreError("BadSource", `${url} refers to ${uri}, which is not stored; try: gyre schemas add ${uri}`);
    });
    try {
      return await ajv.compileAsync(schema);
    } catch (error) {
      if (error instanceof GyreError) throw error;
      throw new GyreError("BadSource", `${url}: ${(error as Error).message}`, { source: url, cause: error });
    }
  }
}

/** A schema as the store or an operator gave it. Throws BadSource. */
export function readSchema(url: string, bytes: Uint8Array): AnySchemaObject {
  if (bytes.length > MAX_SCHEMA_BYTES)
    throw new GyreError("BadSource", `${url}: a schema has at most ${MAX_SCHEMA_BYTES} bytes`, { source: url });
  const value = parse(url, bytes);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new GyreError("BadSource", `${url}: a JSON Schema is an object`, { source: url });
  return value;
}

function parse(url: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new GyreError("BadSource", `${url}: no JSON`, { source: url, cause });
  }
}

async function createAjv(schema: AnySchemaObject, loadSchema: (uri: string) => Promise<AnySchemaObject>): Promise<Ajv> {
  const options = { strict: false, allErrors: true, logger: false, loadSchema } as const;
  const ajv = schemaUrl(String(schema.$schema ?? "")) === DRAFT_2020 ? await latest(options) : await draft07(options);
  for (const format of FORMATS) ajv.addFormat(format, (text: string) => isFormat(format, text));
  return ajv;
}

async function draft07(options: ConstructorParameters<typeof Ajv>[0]): Promise<Ajv> {
  const { Ajv } = await import("ajv");
  return new Ajv(options);
}

async function latest(options: ConstructorParameters<typeof Ajv>[0]): Promise<Ajv> {
  const { Ajv2020 } = await import("ajv/dist/2020.js");
  const { default: draft } = await import("ajv/dist/refs/json-schema-draft-07.json", { with: { type: "json" } });
  return new Ajv2020(options).addMetaSchema(draft);
}

function faultOf({ instancePath, message = "is invalid", params }: ErrorObject): Fault {
  const allowed: unknown = params.allowedValue ?? params.allowedValues ?? params.additionalProperty;
  const named = allowed === undefined ? "" : `: ${JSON.stringify(allowed).slice(0, 200)}`;
  return { pointer: instancePath, detail: `${message}${named}` };
}
