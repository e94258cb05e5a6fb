import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import { isFormat } from "../../../src/catalog/validate/formats.ts";
import { MemorySchemas } from "../../../src/catalog/validate/schema-store.ts";

const DATA = process.env.GYRE_DATA ?? join(import.meta.dirname, "../../../../shared/data");
const FOLDER = join(DATA, "schemas");

/** Why tests with the published schemas are skipped. */
export const SKIP: string | false = existsSync(FOLDER) ? false : `no published schemas in ${FOLDER}`;

export function readData(path: string): unknown {
  return JSON.parse(readFileSync(join(DATA, path), "utf8"));
}

/** The addresses of published schemas, by the folders that hold them. */
const PLACES: Readonly<Record<string, string>> = {
  "stac-extensions": "https://stac-extensions.github.io",
  esgf: "https://esgf.github.io/stac-transaction-api",
  "stac-spec": "https://schemas.stacspec.org",
};

function published(): readonly (readonly [string, Buffer])[] {
  return Object.entries(PLACES).flatMap(([folder, base]) =>
    globSync(`${folder}/**/*.json`, { cwd: FOLDER })
      .sort()
      .map((path) => [base + path.slice(folder.length), readFileSync(join(FOLDER, path))] as const),
  );
}

/** All of them, as `gyre schemas add` would store them. */
export async function publishedStore(): Promise<MemorySchemas> {
  const store = new MemorySchemas();
  for (const [url, bytes] of published()) await store.write(url, bytes);
  return store;
}

const FEATURE = {
  type: "object",
  required: ["type", "properties", "geometry"],
  properties: { type: { const: "Feature" }, properties: { type: ["object", "null"] } },
};

/** A published schema by itself, as the oracle. The schemas of GeoJSON are not among them: any object is a geometry. */
export async function oracle(url: string): Promise<ValidateFunction> {
  const store = new Map(published());
  const loadSchema = async (uri: string): Promise<object> => {
    if (uri === "https://geojson.org/schema/Feature.json") return FEATURE;
    if (uri.startsWith("https://geojson.org/schema/")) return { type: "object" };
    return JSON.parse(store.get(uri)!.toString());
  };
  const ajv = new Ajv({ strict: false, logger: false, loadSchema });
  for (const format of ["iri", "iri-reference", "uri", "date-time"] as const)
    ajv.addFormat(format, (text: string) => isFormat(format, text));
  return ajv.compileAsync(JSON.parse(store.get(url)!.toString()));
}

/** Every document that differs from one in one member: it is gone, or another value. */
export function* mutants(value: unknown, path: readonly string[] = []): Generator<{ path: string; document: unknown }> {
  const others = [null, true, 5, -1.5, "", "x", "2020-02-30T00:00:00Z", "https://a/b", "a b", [], [5], {}, { a: 1 }];
  if (path.length > 0) for (const other of others) yield { path: path.join("/"), document: other };
  if (path.length >= 4 || typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    const without = Array.isArray(value)
      ? value.filter((each) => each !== member)
      : Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
    yield { path: [...path, key].join("/"), document: without };
    for (const { path: below, document } of mutants(member, [...path, key])) {
      const changed = Array.isArray(value) ? value.with(Number(key), document) : { ...value, [key]: document };
      yield { path: below, document: changed };
    }
  }
}
