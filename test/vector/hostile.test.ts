import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { crsFromEpsg } from "../../src/core/crs.ts";
import { type ErrorTag, isGyreError } from "../../src/errors.ts";
import type { Feature } from "../../src/vector/feature.ts";
import { Scanner } from "../../src/vector/geojson/scan.ts";
import { openVector } from "../../src/vector/open.ts";
import { all, fixture } from "./fixtures.ts";

const folder = await mkdtemp(join(tmpdir(), "gyre-vector-"));
after(() => rmSync(folder, { recursive: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function read(path: string): Promise<readonly Feature[]> {
  await using opened = await openVector(path, { scratch: folder });
  return (await Promise.all(opened.layers.map((layer) => all(layer.features())))).flat();
}

async function refused(path: string, tag: ErrorTag, reason: RegExp): Promise<void> {
  await assert.rejects(read(path), (error) => isGyreError(error, tag) && reason.test(error.message));
}

const POINT =
  '{"type":"Feature","id":"a","properties":{"a":{"b":"}]\\""},"features":1},"geometry":{"type":"Point","coordinates":[1,2,3,4]}}';

test("what is not there, and what is a folder", async () => {
  await refused(join(folder, "nothing.gpkg"), "NotFound", /nothing\.gpkg is not there/);
  await refused(folder, "Unsupported", /is no file/);
});

test("GeoJSON is the same whatever pieces it comes in", () => {
  const text = `{"x":[{"features":[1]}],"name":"n","features":[${POINT}, ${POINT}],"type":"FeatureCollection","n":-1.5e3}\n${POINT}`;
  const bytes = Buffer.from(text);
  const scan = (piece: number) => {
    const scanner = new Scanner("x");
    const found = [];
    for (let at = 0; at < bytes.length; at += piece) found.push(...scanner.push(bytes.subarray(at, at + piece)));
    scanner.finish();
    return found;
  };
  const whole = scan(bytes.length);
  assert.deepEqual(
    whole.map((one) => (one.kind === "member" ? one.name : one.kind)),
    ["name", "feature", "feature", "type", "end", "type", "id", "properties", "geometry", "end"],
  );
  for (const piece of [1, 2, 7, 64]) assert.deepEqual(scan(piece), whole, `${piece}`);
});

test("GeoJSON of one feature, of a geometry, of nothing", async () => {
  const [feature] = await read(await file("one.geojson", POINT));
  assert.deepEqual([feature!.id, feature!.geometry], ["a", { type: "Point", coordinates: [1, 2, 3] }]);
  const [geometry] = await read(await file("bare.json", '{"type":"Point","coordinates":[5,6]}'));
  assert.deepEqual(geometry!.geometry, { type: "Point", coordinates: [5, 6] });
  assert.deepEqual(await read(await file("none.json", '{"type":"FeatureCollection","features":[]}')), []);
});

test("CSV: coordinates by the names of their columns, codes with zeros, columns of the same name", async () => {
  const path = await file("points.csv", "Lat,Lon,code,a,a,\n13.5,-16.25,007,1,2,3\nx,1,010,,,\n");
  await using opened = await openVector(path);
  const [first, second] = await all(opened.layers[0]!.features());
  assert.deepEqual(first!.geometry, { type: "Point", coordinates: [-16.25, 13.5] });
  assert.equal(second!.geometry, null);
  assert.deepEqual(Object.fromEntries(first!.properties), {
    Lat: "13.5",
    Lon: -16.25,
    code: "007",
    a: 1,
    a_5: 2,
    column_6: 3,
  });
  await using named = await openVector(path, { csv: { x: "a", y: "Lon", crs: crsFromEpsg(3857)! } });
  const [moved] = await all(named.layers[0]!.features());
  assert.deepEqual([named.layers[0]!.crs?.epsg, moved!.geometry], [3857, { type: "Point", coordinates: [1, -16.25] }]);
  await assert.rejects(openVector(path, { csv: { x: "nowhere" } }), (error) => isGyreError(error, "Unsupported"));
  await refused(await file("wide.csv", `${",".repeat(100_000)}\n1\n`), "BadSource", /100001 columns/);
});

test("a field of several types is a text, or JSON", async () => {
  const lines = [1, 2.5, "x", { deep: [1] }].map(
    (a) => `{"type":"Feature","geometry":null,"properties":{"a":${JSON.stringify(a)}}}`,
  );
  const typesOf = async (count: number) => {
    await using opened = await openVector(await file(`types${count}.geojsonl`, lines.slice(0, count).join("\n")));
    const [layer] = opened.layers;
    return [layer!.fields[0]!.type, (await all(layer!.features())).map(({ properties }) => properties.get("a"))];
  };
  assert.deepEqual(await typesOf(1), ["integer", [1]]);
  assert.deepEqual(await typesOf(2), ["number", [1, 2.5]]);
  assert.deepEqual(await typesOf(3), ["string", ["1", "2.5", "x"]]);
  assert.deepEqual(await typesOf(4), ["json", [1, 2.5, "x", { deep: [1] }]]);
});

test("broken GeoJSON is refused", async () => {
  await refused(await file("cut.geojson", `{"features":[${POINT}`), "BadSource", /cut off/);
  await refused(await file("deep.geojson", `{"features":[{"geometry":${"[".repeat(500)}`), "BadSource", /deep/);
  const coordinates = (text: string): string => `{"type":"Feature","geometry":{"type":"Point","coordinates":${text}}}`;
  await refused(await file("text.geojson", coordinates('["1","2"]')), "BadSource", /position/);
  await refused(await file("one.geojson", coordinates("[1]")), "BadSource", /position/);
  await refused(await file("kind.geojson", '{"type":"Feature","geometry":{"type":"Circle"}}'), "BadSource", /Circle/);
  await refused(
    await file(
      "crs.geojson",
      '{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"EPSG:1"}},"features":[]}',
    ),
    "Unsupported",
    /crs/,
  );
});

test("a GeoPackage whose layer is a view, or a virtual table, is refused before it is asked", async () => {
  for (const [name, statement] of [
    [
      "view",
      "CREATE VIEW mixed AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS geom FROM n",
    ],
    ["virtual", "CREATE VIRTUAL TABLE mixed USING fts5(geom)"],
  ] as const) {
    const path = await file(`${name}.gpkg`, await readFile(fixture("mixed.gpkg")));
    const db = new DatabaseSync(path);
    db.exec(`DROP TABLE mixed; ${statement}`);
    db.close();
    await refused(path, "Unsupported", /no table/);
  }
});

test("a GeoPackage that is cut off, or has a broken geometry, is refused", async () => {
  const bytes = await readFile(fixture("mixed.gpkg"));
  await refused(await file("cut.gpkg", bytes.subarray(0, 4096)), "BadSource", /malformed|corrupt|not a database/);
  const path = await file("geometry.gpkg", bytes);
  const db = new DatabaseSync(path);
  const triggers = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all();
  for (const { name } of triggers) db.exec(`DROP TRIGGER "${String(name)}"`);
  const { column_name } = db.prepare("SELECT column_name FROM gpkg_geometry_columns").get()!;
  db.exec(`UPDATE mixed SET "${String(column_name)}" = x'475000010000000001030000000000ffff' WHERE fid = 3`);
  db.close();
  await refused(path, "BadSource", /geometry\.gpkg, mixed 3.*cut off/);
});

test("a shapefile with counts that cannot be is refused", async () => {
  const bytes = await readFile(fixture("shape.shp"));
  const patched = (at: number, value: number): Buffer => {
    const copy = Buffer.from(bytes);
    copy.writeInt32LE(value, at);
    return copy;
  };
  // 100 bytes of header, 8 of the record's: type, box, parts, points.
  await refused(await file("type.shp", patched(108, 77)), "BadSource", /shape type 77/);
  await refused(await file("patch.shp", patched(108, 31)), "Unsupported", /MultiPatch/);
  await refused(await file("parts.shp", patched(144, 2 ** 30)), "BadSource", /parts or points/);
  await refused(await file("points.shp", patched(148, 2 ** 31 - 1)), "BadSource", /parts or points/);
  await refused(await file("cut.shp", bytes.subarray(0, 300)), "BadSource", /bytes long/);
});

test("a FlatGeobuf with offsets that lead elsewhere is refused", async () => {
  const bytes = await readFile(fixture("mixed.fgb"));
  const header = bytes.readUInt32LE(8);
  const patched = (at: number, value: number): Buffer => {
    const copy = Buffer.from(bytes);
    copy.writeUInt32LE(value, at);
    return copy;
  };
  await refused(await file("header.fgb", patched(8, 0xffff_ffff)), "BadSource", /header of/);
  await refused(await file("root.fgb", patched(12, 0xffff_0000)), "BadSource", /offset/);
  await refused(await file("length.fgb", patched(12 + header, 0x7fff_ffff)), "BadSource", /feature of/);
  await refused(await file("feature.fgb", patched(16 + header, 0x00ff_0000)), "BadSource", /offset/);
});

test("an archive that lies about what it holds is refused, and leaves nothing behind", async () => {
  const bytes = await readFile(fixture("shape.zip"));
  const directory = bytes.indexOf("PK\x01\x02");
  const patched = (at: number, value: number): Buffer => {
    const copy = Buffer.from(bytes);
    copy.writeUInt32LE(value, directory + at);
    return copy;
  };
  await refused(await file("size.zip", patched(24, 10)), "BadSource", /more than 10 bytes/);
  await refused(await file("crc.zip", patched(16, 1)), "BadSource", /checksum/);
  await refused(await file("bomb.zip", patched(24, 0xffff_fff0)), "BadSource", /holds/);
  const path = await file("large.zip", bytes);
  await assert.rejects(openVector(path, { scratch: folder, mostUnpacked: 100 }), (e) => isGyreError(e, "TooLarge"));
});
