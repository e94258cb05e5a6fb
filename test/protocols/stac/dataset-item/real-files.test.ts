import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { Ajv, type ValidateFunction } from "ajv";
import { isFormat } from "../../../../src/catalog/validate/formats.ts";
import { geometryFaults } from "../../../../src/catalog/validate/geometry-faults.ts";
import { stacFaults } from "../../../../src/catalog/validate/stac-faults.ts";
import { loadConfig } from "../../../../src/config.ts";
import type { StacItem } from "../../../../src/core/stac.ts";
import { createNode, type Node } from "../../../../src/node.ts";

const DATA = process.env.GYRE_DATA ?? join(import.meta.dirname, "../../../../../shared/data");
const SKIP = existsSync(join(DATA, "netcdf3")) ? false : `no real files in ${DATA}`;
/** Degrees: what single precision and the points of a curved side leave. */
const TOLERANCE = 0.02;

interface Expected {
  readonly bbox?: readonly number[];
  readonly start?: string;
  readonly end?: string;
  readonly calendar?: string;
}

const expected = JSON.parse(readFileSync(join(import.meta.dirname, "expected.json"), "utf8")) as Record<
  string,
  Expected
>;

suite("items of real files", { skip: SKIP }, () => {
  let node: Promise<Node> | undefined;
  after(async () => (await node)?.close());

  async function itemOf(path: string): Promise<StacItem> {
    node ??= started();
    const { fetch, registry } = await node;
    const { href } = new URL(`file://${join(DATA, path)}`);
    const id = registry.byKey(href)?.id;
    assert.ok(id, path);
    const response = await fetch(new Request(`http://node.test/datasets/${id}/stac?collection=real`));
    assert.equal(response.status, 200, path);
    return (await response.json()) as StacItem;
  }

  async function started(): Promise<Node> {
    const sources = Object.keys(expected).map((path) => join(DATA, path));
    const config = { ...loadConfig("", {}), sources, rescanSeconds: 0 };
    const made = await createNode(config, { folder: DATA, isTransient: true });
    await made.scan();
    return made;
  }

  for (const [path, { bbox, start, end, calendar }] of Object.entries(expected)) {
    test(path, async () => {
      const item = await itemOf(path);
      if (bbox === undefined) {
        assert.equal(item.geometry, null);
        assert.ok(!("bbox" in item));
      } else {
        assert.ok(item.bbox, "it has a box");
        for (const [i, value] of item.bbox.entries()) {
          assert.ok(Math.abs(value - bbox[i]!) <= TOLERANCE, `${item.bbox} is not ${bbox}`);
        }
      }
      if (start !== undefined && end !== undefined) {
        assert.equal(millis(item.properties.start_datetime), millis(clamped(start)));
        assert.equal(millis(item.properties.end_datetime), millis(clamped(end)));
        const dimensions = item.properties["cube:dimensions"] as Record<string, { type: string; calendar?: string }>;
        const time = Object.values(dimensions).find(({ type }) => type === "temporal");
        // A single time is no dimension.
        if (time !== undefined) assert.equal(time.calendar, SAME_CALENDARS[calendar!] ?? calendar);
      }
      const faults = [...stacFaults({ ...item }, "item"), ...(await geometryFaults({ ...item }))];
      assert.deepEqual(faults, []);
      for (const url of item.stac_extensions ?? []) {
        const validate = await published(url);
        // A dataset of a project lacks what only its publisher knows.
        if (!url.includes("esgf.github.io"))
          assert.ok(validate({ ...item, stac_version: "1.0.0" }), `${url} ${JSON.stringify(validate.errors)}`);
      }
    });
  }
});

const SAME_CALENDARS: Readonly<Record<string, string>> = {
  gregorian: "standard",
  "365_day": "noleap",
  "366_day": "all_leap",
};

/** The last day of the month that our calendar has, as cftime's text of another may have a later one. */
function clamped(text: string): string {
  const [date, time] = text.split("T") as [string, string];
  const [year, month, day] = date.split("-").map(Number) as [number, number, number];
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return `${date.slice(0, -2)}${String(Math.min(day, last)).padStart(2, "0")}T${time}Z`;
}

function millis(text: unknown): number {
  const at = Date.parse(String(text).replace(/\.(\d{3})\d+/, ".$1"));
  assert.ok(!Number.isNaN(at), String(text));
  // cftime says microseconds, an item milliseconds.
  return Math.round(at / 1000);
}

const compiled = new Map<string, Promise<ValidateFunction>>();

/** The schema that an extension publishes, from the shared data; those of GeoJSON and PROJ are not among them. */
function published(url: string): Promise<ValidateFunction> {
  const read = (address: string): object => {
    const { host, pathname } = new URL(address);
    const folder =
      host === "schemas.stacspec.org" ? "stac-spec" : host === "esgf.github.io" ? "esgf" : "stac-extensions";
    const path = pathname.replace("/stac-transaction-api", "");
    const file = join(DATA, "schemas", folder, path);
    return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { type: "object" };
  };
  const found = compiled.get(url);
  if (found !== undefined) return found;
  const ajv = new Ajv({ strict: false, logger: false, loadSchema: async (address) => read(address) });
  for (const format of ["iri", "iri-reference", "uri", "date-time"] as const)
    ajv.addFormat(format, (text: string) => isFormat(format, text));
  const made = ajv.compileAsync(read(url));
  compiled.set(url, made);
  return made;
}
