import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { pipeline } from "node:stream";
import { parse } from "csv-parse";
import type { IoCall } from "../../core/array.ts";
import { type Crs, LONLAT } from "../../core/crs.ts";
import type { Geometry } from "../../core/stac.ts";
import { readWkt } from "../../core/wkt-reader.ts";
import { badSource, GyreError, inSource, isGyreError } from "../../errors.ts";
import type { Feature, Field, FieldType, FieldValue, Layer, VectorFormat } from "../feature.ts";
import { filtered, integerOf, MOST_FIELDS, Survey } from "../fields.ts";
import { layerName } from "../layer-name.ts";

export interface CsvOptions {
  /** Default: which of comma, semicolon, tab and bar the first line has most of. */
  readonly delimiter?: string;
  /** Columns of coordinates; default: by their usual names. */
  readonly x?: string;
  readonly y?: string;
  /** Column of Well-Known Text; default: by its usual names. */
  readonly wkt?: string;
  /** Default: WGS 84. */
  readonly crs?: Crs;
}

/** Characters of one record. */
const MOST_RECORD = 64 * 1024 * 1024;
const DELIMITERS = [",", ";", "\t", "|"] as const;
const X_NAMES = ["longitude", "lon", "long", "lng", "x", "easting"];
const Y_NAMES = ["latitude", "lat", "y", "northing"];
const WKT_NAMES = ["wkt", "geom", "geometry", "the_geom", "geom_wkt", "wkt_geom"];
const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;
/** Codes, as of places and telephones, begin with zeros, and are no numbers. */
const INTEGER = /^-?(?:0|[1-9]\d{0,17})$/;

/** Stands for any number with a point while types are guessed: it is no integer. */
const AS_NUMBER = 0.5;

/** Comma-separated values with points in two columns, Well-Known Text in one, or no geometry. Read twice, never held. */
export function createCsv(options: CsvOptions = {}): VectorFormat {
  return {
    name: "CSV",
    extensions: [".csv", ".tsv"],
    async open(path, call) {
      const delimiter = options.delimiter ?? (await delimiterOf(path, call));
      const table = new Table(path, delimiter, options);
      const survey = new Survey();
      for await (const feature of filtered(table.features(undefined, call), call)) survey.add(feature);
      const { fields, count, bbox } = survey.result();
      // A table without records has fields all the same.
      const all = fields.length > 0 ? fields : table.others().map((name): Field => ({ name, type: "string" }));
      const types = new Map(all.map(({ name, type }) => [name, type]));
      const layer: Layer = {
        name: layerName(path),
        crs: table.hasGeometry() ? (options.crs ?? LONLAT) : undefined,
        fields: all,
        count,
        ...(bbox === undefined ? {} : { bbox }),
        features: (reading) => filtered(table.features(types, reading), reading),
      };
      return { layers: [layer], [Symbol.asyncDispose]: async () => undefined };
    },
  };
}

/** Where the geometry of a record is. */
type Place = { readonly x: string; readonly y: string } | { readonly wkt: string } | undefined;

class Table {
  readonly #path: string;
  readonly #delimiter: string;
  readonly #options: CsvOptions;
  #columns: readonly string[] = [];
  #place: Place;

  constructor(path: string, delimiter: string, options: CsvOptions) {
    this.#path = path;
    this.#delimiter = delimiter;
    this.#options = options;
  }

  hasGeometry(): boolean {
    return this.#place !== undefined;
  }

  /** Columns that are no Well-Known Text; coordinates stay among the fields. */
  others(): readonly string[] {
    const place = this.#place;
    return place !== undefined && "wkt" in place ? this.#columns.filter((name) => name !== place.wkt) : this.#columns;
  }

  async *features(types: ReadonlyMap<string, FieldType> | undefined, call: IoCall = {}): AsyncGenerator<Feature> {
    const { signal } = call;
    const parser = parse({
      bom: true,
      delimiter: this.#delimiter,
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: MOST_RECORD,
    });
    // What goes wrong with the file comes out of the parser.
    pipeline(createReadStream(this.#path, signal && { signal }), parser, () => undefined);
    let isHead = true;
    let line = 1;
    try {
      for await (const record of parser as AsyncIterable<readonly string[]>) {
        if (isHead) this.#begin(record);
        else yield this.#feature(record, ++line, types);
        isHead = false;
      }
    } catch (error) {
      if (isGyreError(error) || signal?.aborted) throw error;
      throw badSource(basename(this.#path), undefined, (error as Error).message, error);
    }
  }

  #begin(head: readonly string[]): void {
    if (head.length > MOST_FIELDS) throw badSource(basename(this.#path), 0, `${head.length} columns`);
    const names = head.map((name) => name.trim());
    // Columns without a name of their own get their number.
    this.#columns = names.map((name, i) =>
      name !== "" && names.indexOf(name) === i ? name : `${name || "column"}_${i + 1}`,
    );
    this.#place = placeOf(this.#columns, this.#options, basename(this.#path));
  }

  #feature(record: readonly string[], line: number, types: ReadonlyMap<string, FieldType> | undefined): Feature {
    const cells = new Map(this.#columns.map((name, i) => [name, record[i] ?? ""]));
    try {
      const values = this.others().map((name): [string, FieldValue] => {
        const cell = cells.get(name)!;
        return [name, types === undefined ? guessed(cell) : typed(cell, types.get(name) ?? "string")];
      });
      return { id: line - 1, geometry: geometryOf(cells, this.#place), properties: new Map(values) };
    } catch (error) {
      throw inSource(error, `${basename(this.#path)}, record ${line}`);
    }
  }
}

function placeOf(columns: readonly string[], { x, y, wkt }: CsvOptions, file: string): Place {
  for (const named of [x, y, wkt])
    if (named !== undefined && !columns.includes(named))
      throw new GyreError("Unsupported", `${file} has no column ${named}`, { subject: named, allowed: columns });
  const usual = (names: readonly string[]): string | undefined =>
    names.map((name) => columns.find((column) => column.toLowerCase() === name)).find((found) => found !== undefined);
  const [foundX, foundY] = [x ?? usual(X_NAMES), y ?? usual(Y_NAMES)];
  const text = wkt ?? (x === undefined ? usual(WKT_NAMES) : undefined);
  if (text !== undefined) return { wkt: text };
  return foundX === undefined || foundY === undefined ? undefined : { x: foundX, y: foundY };
}

/** Records without coordinates have no geometry. */
function geometryOf(cells: ReadonlyMap<string, string>, place: Place): Geometry | null {
  if (place === undefined) return null;
  if ("wkt" in place) {
    const text = cells.get(place.wkt)!.trim();
    return text === "" ? null : readWkt(text);
  }
  const coordinates = [place.x, place.y].map((name) => {
    const cell = cells.get(name)!.trim();
    return NUMBER.test(cell) ? Number(cell) : Number.NaN;
  });
  return coordinates.every(Number.isFinite) ? { type: "Point", coordinates } : null;
}

/** What a cell looks like tells the type of its column: a whole number with a point is none. */
function guessed(cell: string): FieldValue {
  if (cell === "") return null;
  if (INTEGER.test(cell)) return integerOf(BigInt(cell));
  return NUMBER.test(cell) && !/^[-+]?0\d|^\+/.test(cell) && Number.isFinite(Number(cell)) ? AS_NUMBER : cell;
}

function typed(cell: string, type: FieldType): FieldValue {
  if (type === "string") return cell;
  if (type === "integer" && INTEGER.test(cell)) return integerOf(BigInt(cell));
  return NUMBER.test(cell) ? Number(cell) : null;
}

async function delimiterOf(path: string, { signal }: IoCall = {}): Promise<string> {
  let line = "";
  for await (const chunk of createReadStream(path, { end: 64 * 1024, encoding: "utf8", ...(signal && { signal }) })) {
    line += chunk;
    if (line.includes("\n")) break;
  }
  const first = line.split("\n")[0]!;
  const counts = DELIMITERS.map((delimiter) => first.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))]!;
}
