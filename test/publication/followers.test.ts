import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort } from "../services/services.ts";
import { isHistorical, newDatabase, poolOf, someItems, startNode, until } from "./nodes.ts";

const ITEMS = someItems(100);
const HISTORICAL = ITEMS.filter(isHistorical).length;
const HISTORICAL_TOPICS = ".*\\.historical\\..*";

test("another node's events are followed over HTTP, on after it was away, never twice", async (t) => {
  const port = await freePort();
  const source = { name: "source", database: await newDatabase(t), listen: { port } };
  const url = await newDatabase(t);
  let first = await startNode(t, source);
  const log = `http://127.0.0.1:${port}/events`;
  const mirror = await startNode(t, { name: "mirror", database: url, follow: [{ log }], catalog: { writable: false } });
  await first.publish(ITEMS.slice(0, 50));
  await until(async () => (await mirror.count()) === 50);

  await first.close();
  await until(async () => (await mirror.json<{ problems: unknown[] }>("problems")).problems.length === 1);
  const away = await mirror.json<{ consumers: { consumer: string; lag: number | null }[] }>("events/consumers");
  assert.deepEqual(
    away.consumers.map(({ consumer, lag }) => [consumer, lag]),
    [[`mirror.from.http-127.0.0.1-${port}-events`, null]],
  );

  first = await startNode(t, source);
  await first.publish(ITEMS.slice(50));
  await until(async () => (await mirror.count()) === 100);
  // Others may see what was committed before the follower is told.
  await until(async () => {
    const { consumers } = await mirror.json<{ consumers: { lag: number; applied: number }[] }>("events/consumers");
    return consumers.length === 1 && consumers[0]?.lag === 0 && consumers[0].applied === 100;
  });
  const pool = await poolOf(t, url, "mirror");
  assert.deepEqual(await pool.query("select applied_count, count(*) as events from outcome group by 1"), [
    { applied_count: 1, events: 100 },
  ]);
});

test("a pattern that is widened finds what is past; one that is narrowed keeps, or removes", async (t) => {
  const database = await newDatabase(t);
  const east = await startNode(t, { name: "east", database });
  await east.publish(ITEMS);
  await until(async () => (await east.count()) === 100);
  const part = (entry: object) =>
    startNode(t, { name: "part", database, follow: [entry], catalog: { writable: false } });
  const withPattern = async (entry: { topics: string; narrowed?: string }, count: number): Promise<void> => {
    const node = await part(entry);
    // What is counted may be what the entry before has left.
    await until(async () => {
      const { consumers } = await node.json<{ consumers: { pattern: string }[] }>("events/consumers");
      return consumers.some(({ pattern }) => pattern === entry.topics);
    });
    await until(async () => (await node.count()) === count);
    const [collection] = (await node.json<{ collections: { id: string }[] }>("stac/collections")).collections;
    assert.equal(collection?.id, "CMIP6");
    const { properties } = await node.json<{ properties: { [name: string]: { enum?: unknown[] } } }>(
      "stac/collections/CMIP6/queryables",
    );
    const experiments = properties["cmip6:experiment_id"]?.enum ?? [];
    assert.equal(experiments.length === 1, count === HISTORICAL, `${experiments}`);
    await node.close();
  };
  await withPattern({ topics: HISTORICAL_TOPICS }, HISTORICAL);
  await withPattern({ topics: ".*" }, 100);
  await withPattern({ topics: HISTORICAL_TOPICS, narrowed: "keep" }, 100);
  await withPattern({ topics: ".*" }, 100);
  await withPattern({ topics: HISTORICAL_TOPICS, narrowed: "remove" }, HISTORICAL);
  await withPattern({ topics: ".*" }, 100);
});

test("what another entry still follows is not removed", async (t) => {
  const database = await newDatabase(t);
  const east = await startNode(t, { name: "east", database });
  await east.publish(ITEMS);
  const start = (topics: string) =>
    startNode(t, {
      name: "part",
      database,
      follow: [
        { group: "one", topics, narrowed: "remove" },
        { group: "two", topics: ".*\\.ssp.*" },
      ],
      catalog: { writable: false },
    });
  const before = await start(".*");
  await until(async () => (await before.count()) === 100);
  await before.close();
  const after = await start(HISTORICAL_TOPICS);
  const left = ITEMS.filter((item) => isHistorical(item) || /\.ssp/.test(item.id)).length;
  assert.ok(left < 100);
  await until(async () => (await after.count()) === left);
});

test("two processes of one name share the work", async (t) => {
  const database = await newDatabase(t);
  const east = await startNode(t, { name: "east", database });
  const both = await Promise.all(
    [1, 2].map(() => startNode(t, { name: "pair", database, catalog: { writable: false } })),
  );
  type Consumers = { consumers: { partitions: { owner: string | null }[] }[] };
  const ownersOf = async (): Promise<number> => {
    const { consumers } = await both[0]!.json<Consumers>("events/consumers");
    return new Set(consumers[0]?.partitions.map(({ owner }) => owner)).size;
  };
  await until(async () => (await ownersOf()) === 2);
  await east.publish(ITEMS);
  await until(async () => (await both[1]!.count()) === 100);
  const pool = await poolOf(t, database, "pair");
  assert.deepEqual(await pool.query("select applied_count, count(*) as events from outcome group by 1"), [
    { applied_count: 1, events: 100 },
  ]);
});

test("two entries of one name are refused, and a node that hears nothing of its own says so", async (t) => {
  const database = await newDatabase(t);
  const twice = await startNode(t, { database, follow: [{}, { topics: "CMIP6.*" }] });
  await until(async () => (await twice.get("stac")).status === 503);
  assert.match(twice.errors.join(), /two entries of follow are called gyre/);
  const deaf = await startNode(t, { database, follow: [{ log: `${twice.url}events` }] });
  await until(() => deaf.notices.length > 0);
  assert.match(deaf.notices[0]!, /does not follow its own log/);
});
