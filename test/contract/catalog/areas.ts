import assert from "node:assert/strict";
import { test } from "node:test";
import type { Search } from "../../../src/catalog/catalog.ts";
import { loadGeos } from "../../../src/core/geos.ts";
import { createRandom, type Random } from "../../../src/core/random.ts";
import type { Geometry, StacItem } from "../../../src/core/stac.ts";
import type { MakePool } from "../catalog.ts";
import { box, CALL, item, messageOf, post, ringOf, testNode } from "./node.ts";

const SEED = 20_261_122;
const ITEMS = 800;
const AREAS = 120;

type Ring = number[][];

/** Items of all kinds and places are found in areas of all kinds, in every way that they can be found. */
export function testAreas(make: MakePool): void {
  test(`areas find what GEOS finds, in every order and with every other condition (seed ${SEED})`, async (t) => {
    const node = testNode(await make(t));
    t.after(() => node.close());
    const random = createRandom(SEED, "items");
    const all = Array.from({ length: ITEMS }, (_, n) => {
      const time = new Date(Date.UTC(2000, 0, 1) + Math.floor(n / 3) * 3_600_000).toISOString();
      const properties = { datetime: time, kind: "scene", "eo:cloud_cover": (n * 37) % 101, "x:n": (n * 53) % 97 };
      return item(`i${String(n).padStart(4, "0")}`, { geometry: placed(random), properties, collection: `c${n % 2}` });
    });
    await node.log.append(
      all.map((one) => messageOf(post(one))),
      CALL,
    );
    assert.deepEqual(await node.apply(), []);
    const oracle = await meetingOf(all);
    const isScene = {
      kind: "like",
      value: { kind: "property", name: "kind" },
      pattern: { kind: "literal", value: "sc%" },
    } as const;
    const ways: readonly Partial<Search>[] = [
      { sortby: [{ field: "id", direction: "asc" }] },
      { sortby: [{ field: "datetime", direction: "desc" }] },
      { sortby: [{ field: "datetime", direction: "desc" }], limit: 3 },
      { sortby: [{ field: "eo:cloud_cover", direction: "asc" }] },
      { sortby: [{ field: "x:n", direction: "desc" }], limit: 7 },
      { ids: all.map(({ id }) => id) },
      { q: [["scene"]] },
      { filter: isScene },
      { filter: isScene, limit: 5 },
    ];
    const asked = createRandom(SEED, "areas");
    for (let n = 0; n < AREAS; n++) {
      const [area, geometry] = areaOf(asked);
      const expected = oracle(geometry);
      for (const way of ways) {
        const found = await allPages(node.catalog, { limit: 1000, ...area, ...way });
        assert.deepEqual(found.ids, expected, `${JSON.stringify(area)} ${Object.keys(way)}`);
        assert.equal(found.matched, expected.length, `matched of ${JSON.stringify(area)} ${Object.keys(way)}`);
      }
      const [total] = await node.catalog.aggregate({ limit: 1, ...area }, [{ name: "total_count" }], CALL);
      assert.equal(total?.value, expected.length);
    }
  });
}

async function allPages(
  catalog: ReturnType<typeof testNode>["catalog"],
  search: Search,
): Promise<{ readonly ids: readonly string[]; readonly matched: number | undefined }> {
  const ids: string[] = [];
  let matched: number | undefined;
  // A few pages tell whether they follow each other; then the rest at once.
  for (let token: string | undefined, page = 0; ; page++) {
    const limit = page < 3 ? search.limit : 1000;
    const found = await catalog.search({ ...search, limit, ...(token === undefined ? {} : { token }) }, CALL);
    matched ??= found.matched;
    ids.push(...found.entries.map(({ document }) => document.id));
    token = found.next;
    if (token === undefined) return { ids: ids.sort(), matched };
  }
}

/** Ids of the items that meet a geometry, wherever in the unrolled world. */
async function meetingOf(items: readonly StacItem[]): Promise<(geometry: Geometry) => string[]> {
  const geos = await loadGeos();
  const shapes = items.map(({ id, geometry }) => ({ id, shape: geos.shape(geometry as Geometry) }));
  return (geometry) => {
    const copies = [-720, -360, 0, 360, 720].map((shift) => geos.shape(moved(geometry, shift)));
    const meets = (shape: (typeof shapes)[number]["shape"]): boolean =>
      copies.some((copy) => copy && shape && geos.test("s_intersects", copy, shape) === true);
    const found = shapes.filter(({ shape }) => meets(shape)).map(({ id }) => id);
    for (const copy of copies) copy?.[Symbol.dispose]();
    return found;
  };
}

function placed(random: Random): Geometry {
  const x = between(random, -179, 179);
  const y = between(random, -80, 80);
  const size = between(random, 0.5, 6);
  const kind = Math.floor(random() * 10);
  if (kind === 0) return { type: "Point", coordinates: [x, y] };
  if (kind === 1)
    return {
      type: "LineString",
      coordinates: [
        [x, y],
        [x + size, y + size],
        [x + 2 * size, y],
      ],
    };
  if (kind === 2) return box(x, y, x + size, Math.min(y + size, 90));
  // As wide as a continent.
  if (kind === 3) return box(x, -60, x + between(random, 60, 170), 60);
  if (kind === 4) return { type: "Polygon", coordinates: [circle(x, y, size, 40)] };
  if (kind === 5) return { type: "Polygon", coordinates: [circle(x, y, 3 + size, 12), circle(x, y, 2, 8)] };
  if (kind === 6)
    return { type: "MultiPolygon", coordinates: [[circle(x, y, size, 6)], [circle(x + 20, y / 2, size, 5)]] };
  if (kind === 7) return { type: "Polygon", coordinates: [slanted(177, y, between(random, 3.1, 8))] };
  return { type: "Polygon", coordinates: [slanted(x, y, size)] };
}

/** A search's condition, and the same as a geometry. */
function areaOf(random: Random): [Pick<Search, "bbox" | "intersects">, Geometry] {
  const x = between(random, -180, 180);
  const y = between(random, -85, 80);
  const size = between(random, 0.5, 4) ** 2;
  const kind = Math.floor(random() * 8);
  if (kind < 4) {
    const north = Math.min(y + size, 90);
    // Far around the world an item may meet both ends.
    const east = rounded(x + [8 * size, 358, size, size][kind]!);
    return [{ bbox: [x, y, east > 180 ? rounded(east - 360) : east, north] }, box(x, y, east, north)];
  }
  const intersects: Geometry =
    kind === 4
      ? { type: "Polygon", coordinates: [circle(x, y, size, 9)] }
      : kind === 5
        ? { type: "Polygon", coordinates: [circle(x, y, 4 + size, 9), circle(x, y, 3, 7)] }
        : kind === 6
          ? { type: "MultiPolygon", coordinates: [[ringOf(x, y, x + size, y + 1)], [circle(x + 30, y, size, 5)]] }
          : {
              type: "LineString",
              coordinates: [
                [x, y],
                [x + 3 * size, y / 2],
              ],
            };
  return [{ intersects }, intersects];
}

function circle(x: number, y: number, r: number, corners: number): Ring {
  const at = (i: number): number[] => {
    const angle = (2 * Math.PI * (i % corners)) / corners + 0.1;
    return [rounded(x + r * Math.cos(angle)), rounded(Math.max(-90, Math.min(90, y + (r / 2) * Math.sin(angle))))];
  };
  return Array.from({ length: corners + 1 }, (_, i) => at(i));
}

function slanted(x: number, y: number, size: number): Ring {
  const slant = size / 4;
  const top = Math.min(y + size, 90);
  return [
    [x, y],
    [x + size - slant, y],
    [x + size, top],
    [x + slant, top],
    [x, y],
  ];
}

function moved(geometry: Geometry, shift: number): Geometry {
  const move = (of: unknown): unknown =>
    Array.isArray(of) && typeof of[0] === "number" ? [of[0] + shift, of[1]] : (of as unknown[]).map(move);
  return { ...geometry, coordinates: move((geometry as { coordinates: unknown }).coordinates) } as Geometry;
}

function between(random: Random, least: number, most: number): number {
  return rounded(least + random() * (most - least));
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
