import { Client, type QueryArrayResult } from "pg";
import type { IoCall } from "../../core/array.ts";
import { type Crs, crsFromEpsg } from "../../core/crs.ts";
import { readWkb } from "../../core/wkb-reader.ts";
import { badSource, GyreError, inSource, isGyreError } from "../../errors.ts";
import type { BBox, Feature, Field, Layer } from "../feature.ts";
import { filtered } from "../fields.ts";
import { fieldType, fieldValue } from "./values.ts";

/** A table or a query of a PostGIS database; text of an operator, never of a client. */
export interface PostgisSource {
  /** `postgresql://...` */
  readonly url: string;
  readonly name: string;
  /** `roads` or `schema.roads`. */
  readonly table?: string;
  /** One SELECT; instead of `table`. */
  readonly sql?: string;
  /** Column of geometries. */
  readonly geometry: string;
  /** Default: what the first geometry says. */
  readonly crs?: Crs;
}

/** Rows of one fetch. */
const BATCH = 1000;
/** Of our own column beside those of the source. */
const WKB = "gyre_wkb";
/** How values become text. */
const SETTINGS = ["TIME ZONE 'UTC'", "DateStyle = 'ISO'", "bytea_output = 'hex'"] as const;

/**
 * Features of a PostGIS table or query, streamed through a cursor in a transaction that cannot write. The box that is
 * asked for is a parameter, and found by the table's index.
 */
export async function postgisLayer(source: PostgisSource, call: IoCall = {}): Promise<Layer> {
  const from = fromClause(source);
  const column = quoted(source.geometry);
  await using session = await Session.open(source);
  const described = await session.query(`SELECT * FROM ${from} LIMIT 0`);
  const columns = described.fields.filter(({ name }) => name !== source.geometry);
  if (columns.length === described.fields.length)
    throw new GyreError("Unsupported", `${source.name} has no column ${source.geometry}`, { subject: source.geometry });
  const [first] = (await session.query(`SELECT ST_SRID(${column}) FROM ${from} WHERE ${column} IS NOT NULL LIMIT 1`))
    .rows;
  call.signal?.throwIfAborted();
  const srid = Number(first?.[0] ?? 0);
  const fields = columns.map(({ name, dataTypeID }): Field => ({ name, type: fieldType(dataTypeID) }));
  return {
    name: source.name,
    crs: source.crs ?? crsFromEpsg(srid),
    fields,
    features: (options) => filtered(read(source, fields, srid, options), options),
  };
}

function fromClause({ name, table, sql }: PostgisSource): string {
  if (sql !== undefined) return `(${sql.trim().replace(/;$/, "")}\n) AS source`;
  if (table === undefined) throw new GyreError("BadRequest", `${name} names neither a table nor a query`);
  return `${table.split(".").map(quoted).join(".")} AS source`;
}

async function* read(
  source: PostgisSource,
  fields: readonly Field[],
  srid: number,
  { bbox, signal }: IoCall & { readonly bbox?: BBox } = {},
): AsyncGenerator<Feature> {
  const column = quoted(source.geometry);
  const selected = [`ST_AsEWKB(${column}) AS ${WKB}`, ...fields.map(({ name }) => quoted(name))].join(", ");
  const where = bbox === undefined ? "" : ` WHERE ${column} && ST_MakeEnvelope($1, $2, $3, $4, $5)`;
  await using session = await Session.open(source);
  const parameters = bbox === undefined ? [] : [...bbox, srid];
  await session.query(`DECLARE features CURSOR FOR SELECT ${selected} FROM ${fromClause(source)}${where}`, parameters);
  for (;;) {
    signal?.throwIfAborted();
    const { rows } = await session.query(`FETCH ${BATCH} FROM features`);
    for (const [wkb, ...values] of rows) yield featureOf(wkb ?? null, values, fields, source.name);
    if (rows.length < BATCH) return;
  }
}

function featureOf(
  wkb: string | null,
  values: readonly (string | null)[],
  fields: readonly Field[],
  name: string,
): Feature {
  try {
    return {
      geometry: wkb === null ? null : readWkb(Buffer.from(wkb.slice(2), "hex")),
      properties: new Map(fields.map((field, i) => [field.name, fieldValue(values[i] ?? null, field.type)])),
    };
  } catch (error) {
    throw inSource(error, name);
  }
}

/** A connection in a transaction that cannot write, which is rolled back at the end. Values come as text. */
class Session implements AsyncDisposable {
  readonly #client: Client;
  readonly #name: string;

  private constructor(client: Client, name: string) {
    this.#client = client;
    this.#name = name;
  }

  static async open({ url, name }: PostgisSource): Promise<Session> {
    const client = new Client({ connectionString: url, application_name: "gyre", connectionTimeoutMillis: 10_000 });
    // A connection that breaks fails the query that goes on; without one nobody need hear of it.
    client.on("error", () => undefined);
    const session = new Session(client, name);
    try {
      await client.connect();
      await session.query("BEGIN READ ONLY");
      for (const setting of SETTINGS) await session.query(`SET LOCAL ${setting}`);
      return session;
    } catch (error) {
      await client.end();
      if (isGyreError(error)) throw error;
      throw new GyreError("Busy", `${name}: its database cannot be reached: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  async query(text: string, values: readonly (string | number)[] = []): Promise<QueryArrayResult<(string | null)[]>> {
    const types = { getTypeParser: () => (value: string) => value };
    try {
      // The extended protocol takes one statement only.
      const query = { text, values: [...values], types, rowMode: "array" as const, queryMode: "extended" as const };
      return await this.#client.query<(string | null)[]>(query);
    } catch (error) {
      throw badSource(this.#name, undefined, (error as Error).message, error);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client.end();
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
