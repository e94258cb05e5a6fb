import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Search } from "../../../src/catalog/catalog.ts";
import type { StacItem } from "../../../src/core/stac.ts";
import { isGyreError } from "../../../src/errors.ts";
import type { MakePool } from "../catalog.ts";
import { box, CALL, item, messageOf, post, testNode } from "./node.ts";

/** More than are gathered without knowing how many they are (src/catalog/search/plan.ts). */
const COUNT = 16_000;

/** Large documents, many items, many collections: found as few are. */
export function testBounds(make: MakePool): void {
  test("items of 30 kB come back as they were", async (t) => {
    const node = testNode(await make(t));
    t.after(() => node.close());
    const large = Array.from({ length: 100 }, (_, n): StacItem => {
      const assets = Array.from({ length: 100 }, (_, k) => [
        `asset-${k}`,
        { href: `https://data.example/${n}/${k}`, title: "é😀 ".repeat(40), "x:n": k / 7 },
      ]);
      return { ...item(`i${n}`), assets: Object.fromEntries(assets) };
    });
    assert.ok(JSON.stringify(large[0]).length > 20_000);
    await node.publish(...large.map(post));
    const { entries } = await node.catalog.search({ limit: 100, sortby: [{ field: "id", direction: "asc" }] }, CALL);
    assert.deepEqual(
      entries.map(({ document }) => document),
      large.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    );
  });

  test("a page of large items ends before its limit", async (t) => {
    const node = testNode(await make(t));
    t.after(() => node.close());
    const noise = (n: number): string => {
      return Array.from({ length: 380 }, (_, k) => createHash("sha512").update(`${n} ${k}`).digest("base64")).join("");
    };
    const all = Array.from({ length: 520 }, (_, n): StacItem => {
      return { ...item(`i${String(n).padStart(3, "0")}`), assets: { data: { href: "x", title: noise(n) } } };
    });
    await node.log.append(
      all.map((one) => messageOf(post(one))),
      CALL,
    );
    assert.deepEqual(await node.apply(), []);
    const search = { limit: 1000, sortby: [{ field: "id", direction: "asc" }] } as const;
    const first = await node.catalog.search(search, CALL);
    const bytes = JSON.stringify(first.entries.map(({ document }) => document)).length;
    assert.ok(bytes > 16e6 && bytes < 17e6, `${bytes} bytes`);
    assert.equal(first.matched, 520);
    const second = await node.catalog.search({ ...search, token: first.next! }, CALL);
    assert.equal(second.next, undefined);
    assert.deepEqual(
      [first, second].flatMap(({ entries }) => entries.map(({ document }) => document.id)),
      all.map(({ id }) => id),
    );
  });

  test("documents that are stored as a thousandth of themselves count as what they are", async (t) => {
    const node = testNode(await make(t));
    t.after(() => node.close());
    // It is stored as a thousandth of that.
    const title = "0".repeat(3_900_000);
    const all = Array.from({ length: 6 }, (_, n) => ({ ...item(`i${n}`), assets: { data: { href: "x", title } } }));
    for (const one of all) await node.publish(post(one));
    const pages: number[] = [];
    for (let token: string | undefined; ; ) {
      const page = await node.catalog.search({ limit: 100, ...(token === undefined ? {} : { token }) }, CALL);
      pages.push(page.entries.length);
      token = page.next;
      if (token === undefined) break;
    }
    assert.deepEqual(pages, [5, 1]);
  });

  test("many items: what walks and what gathers find the same", async (t) => {
    const node = testNode(await make(t));
    t.after(() => node.close());
    // Old items in the west, new ones in the east: a walk from the newest does not meet the west for long.
    const all = Array.from({ length: COUNT }, (_, n) => {
      const time = new Date(Date.UTC(1900, 0, 1) + n * 6 * 3_600_000).toISOString();
      const x = (n / COUNT) * 350 - 179;
      return item(`i${String(n).padStart(5, "0")}`, {
        collection: `c${n % 3}`,
        geometry: box(x, 0, x + 0.5, 1),
        properties: { datetime: time, kind: `k${n % 7}`, rare: n === 12 ? "here" : "no" },
      });
    });
    await node.log.append(
      all.map((one) => messageOf(post(one))),
      CALL,
    );
    assert.deepEqual(await node.apply(), []);
    const xOf = ({ id }: StacItem): number => (Number(id.slice(1)) / COUNT) * 350 - 179;
    const equal = (name: string, value: string) =>
      ({ kind: "compare", op: "=", left: { kind: "property", name }, right: { kind: "literal", value } }) as const;
    const notEqual = (name: string, value: string) => ({ kind: "not", of: equal(name, value) }) as const;
    const cases: [Partial<Search>, (one: StacItem) => boolean][] = [
      [{}, () => true],
      [{ bbox: [-179, 0, -170, 1] }, (one) => xOf(one) <= -170],
      // A narrow area of very many.
      [{ bbox: [-179, 0, 60, 0.5] }, (one) => xOf(one) <= 60],
      [
        { bbox: [-179, 0, 60, 0.5], filter: notEqual("kind", "k3") },
        (one) => xOf(one) <= 60 && one.properties.kind !== "k3",
      ],
      [{ bbox: [-20, 0, 20, 1] }, (one) => xOf(one) + 0.5 >= -20 && xOf(one) <= 20],
      [{ filter: equal("kind", "k3") }, ({ properties }) => properties.kind === "k3"],
      [{ filter: equal("rare", "here") }, ({ properties }) => properties.rare === "here"],
      [
        { bbox: [-179, 0, -100, 1], filter: equal("kind", "k3") },
        (one) => xOf(one) <= -100 && one.properties.kind === "k3",
      ],
      [
        { q: [["k5"]], collections: ["c1"] },
        ({ properties, collection }) => properties.kind === "k5" && collection === "c1",
      ],
      [
        { datetime: { end: new Date("1900-02-01T00:00:00Z") } },
        ({ properties }) => (properties.datetime as string) <= "1900-02-01T00:00:00.000Z",
      ],
    ];
    for (const [search, test] of cases) {
      const newest = all
        .filter(test)
        .map(({ id }) => id)
        .reverse();
      for (const direction of ["desc", "asc"] as const) {
        const expected = direction === "desc" ? newest : newest.toReversed();
        const page = await node.catalog.search(
          { limit: 10, sortby: [{ field: "datetime", direction }], ...search },
          CALL,
        );
        assert.deepEqual(
          page.entries.map(({ document }) => document.id),
          expected.slice(0, 10),
          JSON.stringify(search),
        );
        assert.equal(page.matched, expected.length, JSON.stringify(search));
        if (page.next === undefined) continue;
        const second = await node.catalog.search(
          { limit: 10, sortby: [{ field: "datetime", direction }], ...search, token: page.next },
          CALL,
        );
        assert.deepEqual(
          second.entries.map(({ document }) => document.id),
          expected.slice(10, 20),
          JSON.stringify(search),
        );
      }
    }
    const below = async (prefix: string): Promise<readonly string[]> => {
      const ids = await node.catalog.idsBelow("c1", prefix, 1000, CALL);
      return ids ?? (await Promise.all([..."0123456789abcdef"].map((digit) => below(prefix + digit)))).flat();
    };
    const ofOne = all.filter(({ collection }) => collection === "c1").map(({ id }) => id);
    assert.equal(await node.catalog.idsBelow("c1", "", 1000, CALL), undefined);
    assert.deepEqual((await below("")).toSorted(), ofOne);
    await assert.rejects(node.catalog.idsBelow("c1", "x", 10, CALL), (error) => isGyreError(error, "BadRequest"));
  });

  test("a thousand collections", async (t) => {
    const node = testNode(await make(t));
    t.after(() => node.close());
    const all = Array.from({ length: 1000 }, (_, n) => item("i", { collection: `c${String(n).padStart(4, "0")}` }));
    await node.log.append(
      all.map((one) => messageOf(post(one))),
      CALL,
    );
    assert.deepEqual(await node.apply(), []);
    const ids: string[] = [];
    for (let token: string | undefined; ; ) {
      const page = await node.catalog.collections({ limit: 300, ...(token && { token }) }, CALL);
      assert.equal(page.matched, 1000);
      ids.push(...page.entries.map(({ document }) => document.id));
      if ((token = page.next) === undefined) break;
    }
    assert.deepEqual(
      ids,
      all.map(({ collection }) => collection),
    );
    const collections = ids.slice(100, 900);
    assert.equal((await node.catalog.search({ collections, limit: 1 }, CALL)).matched, 800);
  });
}
