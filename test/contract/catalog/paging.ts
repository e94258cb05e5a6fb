import assert from "node:assert/strict";
import { test } from "node:test";
import type { Search, SortKey } from "../../../src/catalog/catalog.ts";
import type { StacItem } from "../../../src/core/stac.ts";
import { isGyreError } from "../../../src/errors.ts";
import type { MakePool } from "../catalog.ts";
import { CALL, item, post, type TestNode, testNode } from "./node.ts";

/** Many equal values, values of many types, and none. */
const VALUES = [
  1,
  1,
  2,
  -3.5,
  1e20,
  null,
  "b",
  "a",
  "a",
  "",
  true,
  false,
  undefined,
  undefined,
  "é",
  '"quoted"',
  "x".repeat(300),
];

function some(count: number): StacItem[] {
  return Array.from({ length: count }, (_, i) => {
    const value = VALUES[i % VALUES.length];
    const day = String(1 + ((i * 7) % 5)).padStart(2, "0");
    const time =
      i % 6 === 0
        ? { datetime: null, start_datetime: `2020-01-${day}T00:00:00Z`, end_datetime: "2021-01-01T00:00:00Z" }
        : { datetime: `2020-01-${day}T00:00:00.00${i % 2}Z` };
    return item(`i-${String(i).padStart(4, "0")}`, {
      collection: `c${i % 3}`,
      properties: { ...(time as { datetime: string }), ...(value === undefined ? {} : { v: value }) },
    });
  });
}

const ORDERS: Record<string, readonly SortKey[] | undefined> = {
  "as it comes": undefined,
  "oldest first": [{ field: "datetime", direction: "asc" }],
  "newest first, those of one time by their id": [
    { field: "datetime", direction: "desc" },
    { field: "id", direction: "asc" },
  ],
  "oldest first, those of one time down their collection": [
    { field: "datetime", direction: "asc" },
    { field: "collection", direction: "desc" },
  ],
  "by id": [{ field: "id", direction: "asc" }],
  "by collection down": [{ field: "collection", direction: "desc" }],
  "by a property": [{ field: "v", direction: "asc" }],
  "by a property down": [{ field: "v", direction: "desc" }],
  "by a property that none has": [{ field: "none", direction: "asc" }],
  "by three": [
    { field: "collection", direction: "asc" },
    { field: "v", direction: "desc" },
    { field: "datetime", direction: "asc" },
  ],
};

async function walk(node: TestNode, search: Search, step?: (page: number) => Promise<void>) {
  const pages: string[][] = [];
  const tokens: (string | undefined)[] = [];
  let token: string | undefined;
  do {
    const page = await node.catalog.search({ ...search, ...(token === undefined ? {} : { token }) }, CALL);
    pages.push(page.entries.map(({ document }) => `${document.collection}/${document.id}`));
    tokens.push(page.previous);
    token = page.next;
    await step?.(pages.length);
  } while (token !== undefined && pages.length < 1000);
  return { pages, tokens };
}

/** Pages: every item once, in the same order both ways, whatever is written meanwhile. */
export function testPaging(make: MakePool): void {
  test("pages hold each item once, in one order, both ways", async (t) => {
    const node = testNode(await make(t));
    t.after(() => node.close());
    await node.publish(...some(70).map(post));
    for (const [name, sortby] of Object.entries(ORDERS)) {
      const search = { ...(sortby && { sortby }), limit: 1000 };
      const [all] = (await walk(node, search)).pages;
      assert.equal(new Set(all).size, 70, name);
      const streamed: string[] = [];
      for await (const batch of node.catalog.stream(search, CALL))
        streamed.push(...batch.map(({ document }) => `${document.collection}/${document.id}`));
      assert.deepEqual(streamed, all, name);
      for (const limit of [1, 9, 30]) {
        const { pages, tokens } = await walk(node, { ...search, limit });
        assert.deepEqual(pages.flat(), all, `${name}, ${limit} a page`);
        const back: string[][] = [];
        for (let token = tokens.at(-1); token !== undefined; ) {
          const page = await node.catalog.search({ ...search, limit, token }, CALL);
          back.unshift(page.entries.map(({ document }) => `${document.collection}/${document.id}`));
          token = page.previous;
        }
        assert.deepEqual(back.flat(), pages.slice(0, -1).flat(), `${name}, ${limit} a page, back`);
      }
      const inBox = await walk(node, { ...search, limit: 9, bbox: [-180, -90, 180, 90] });
      assert.deepEqual(inBox.pages.flat(), all, `${name}, in a box`);
    }
  });

  test("values are sorted within their type, and what has none comes last", async (t) => {
    const node = testNode(await make(t));
    t.after(() => node.close());
    const values = { n10: 10, n9: 9, sa: "a", sb: "b", none: null };
    await node.publish(
      ...Object.entries(values).map(([id, v]) => post(item(id, { properties: { v } }))),
      post(item("absent")),
    );
    assert.deepEqual(await node.ids({ sortby: [{ field: "v", direction: "asc" }] }), [
      "sa",
      "sb",
      "n9",
      "n10",
      "absent",
      "none",
    ]);
    assert.deepEqual(await node.ids({ sortby: [{ field: "v", direction: "desc" }] }), [
      "n10",
      "n9",
      "sb",
      "sa",
      "none",
      "absent",
    ]);
  });

  test("a property may be called what every object of JavaScript has", async (t) => {
    const node = testNode(await make(t));
    t.after(() => node.close());
    for (const [id, value] of [
      ["a", 2],
      ["b", 1],
    ] as const)
      await node.publish(post(item(id, { properties: { toString: value } })));
    for (const field of ["toString", "constructor", "__proto__"]) {
      const found = await node.ids({ sortby: [{ field, direction: "asc" }] });
      assert.deepEqual(found, field === "toString" ? ["b", "a"] : ["a", "b"], field);
    }
  });

  test("items that are written meanwhile are neither skipped nor repeated", async (t) => {
    const node = testNode(await make(t));
    t.after(() => node.close());
    const before = some(40);
    await node.publish(...before.map(post));
    for (const [name, sortby] of Object.entries(ORDERS)) {
      const added: string[] = [];
      const { pages } = await walk(node, { ...(sortby && { sortby }), limit: 9 }, async (page) => {
        const id = `new-${name}-${page}`;
        added.push(`c0/${id}`);
        await node.publish(
          post(item(id, { collection: "c0", properties: { datetime: "2020-01-03T00:00:00Z", v: page } })),
        );
      });
      const seen = pages.flat();
      assert.equal(new Set(seen).size, seen.length, name);
      const old = seen.filter((key) => key.includes("/i-"));
      assert.equal(old.length, 40, name);
      await node.publish(
        ...added.map((key) => ({ method: "DELETE", collection_id: "c0", item_id: key.slice(3) }) as const),
      );
    }
  });

  test("a token that is none is refused", async (t) => {
    const node = testNode(await make(t));
    t.after(() => node.close());
    await node.publish(...some(5).map(post));
    const { next } = await node.catalog.search({ limit: 2 }, CALL);
    const [, name] = JSON.parse(Buffer.from(next!, "base64url").toString()) as string[];
    const made = (...parts: unknown[]): string => Buffer.from(JSON.stringify(parts)).toString("base64url");
    const tokens = [
      ...["", "x", "%%%", made(), made(">"), made(">", name), made("?", name, "a", "b", "c"), "A".repeat(20_000)],
      ...[
        "2020-13-01 00:00:00+00",
        "2020-02-30 00:00:00+00",
        "now",
        "infinity",
        "",
        null,
        5,
        "2020-01-01 00:00:00+00\0",
      ].map((at) => made(">", name, at, "c", "i")),
      made(">", name, "2020-01-01 00:00:00+00", "c", "\0"),
      made(">", name, "2020-01-01 00:00:00+00", "c", "i", "more"),
      Buffer.from(`[">",${JSON.stringify(name)},${"[".repeat(5000)}`).toString("base64url"),
    ];
    for (const token of tokens) {
      const search = node.catalog.search({ limit: 2, token }, CALL);
      await assert.rejects(search, (error) => isGyreError(error, "BadRequest"), token.slice(0, 100));
    }
    const sortby = [{ field: "v", direction: "asc" }] as const;
    await assert.rejects(node.catalog.search({ limit: 2, token: next!, sortby }, CALL), (error) =>
      isGyreError(error, "BadRequest"),
    );
    const byValue = await node.catalog.search({ limit: 2, sortby }, CALL);
    const [, order] = JSON.parse(Buffer.from(byValue.next!, "base64url").toString()) as string[];
    for (const value of ["{", "[1]", "{}", "1e9999", '"\\u0000"', "nul"]) {
      const token = made(">", order, "false", value, "c", "i");
      await assert.rejects(
        node.catalog.search({ limit: 2, sortby, token }, CALL),
        (error) => isGyreError(error, "BadRequest"),
        value,
      );
    }
    for (const at of [
      "0044-03-15 00:00:00+00 BC",
      "10000-01-01 00:00:00+00",
      "-infinity",
      "2020-02-29 12:00:00.123456+00",
    ]) {
      assert.ok((await node.catalog.search({ limit: 2, token: made(">", name, at, "c", "i") }, CALL)).entries, at);
    }
  });
}
