import assert from "node:assert/strict";
import { test } from "node:test";
import { isHistorical, itemOf, newDatabase, poolOf, someItems, startNode, type TestNode, until } from "./nodes.ts";

interface Failure {
  readonly id: string;
  readonly event: {
    readonly original: { readonly id: string; readonly topic: string };
    readonly error: { readonly status: number };
  };
}

interface Redriven {
  readonly sent: number;
  readonly repeated: number;
  readonly lost: readonly { readonly reason: string }[];
}

const ITEMS = someItems(60);

async function errorsOf(node: TestNode, query = ""): Promise<readonly Failure[]> {
  return (await node.json<{ errors: Failure[] }>(`events/errors${query}`)).errors;
}

async function redrive(node: TestNode, body: object): Promise<Redriven> {
  const answer = await node.send("POST", "events/redrive", body);
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()) as Redriven;
}

/**
 * A node whose log begins with patches of items that it does not have yet: what an older part of the log, taken away
 * since, would have brought.
 */
async function withFailures(t: Parameters<typeof newDatabase>[0]) {
  const database = await newDatabase(t);
  const node = await startNode(t, { name: "east", database });
  const ids = ["a", "b", "c"];
  const metadata = {
    auth: { requester_data: { client_id: "t", iss: "t", sub: "t" } },
    request_id: "r",
    publisher: { package: "t", version: "1" },
    time: "2026-01-01T00:00:00Z",
    schema_version: "1.0.0",
  };
  const lines = ids.map((id) => {
    const topic = id === "c" ? "CMIP6.ssp585.MODEL" : "CMIP6.historical.MODEL";
    const payload = { method: "PATCH", collection_id: "things", item_id: id, patch: { properties: { mended: true } } };
    const value = JSON.stringify({
      metadata: { ...metadata, event_id: `patch-${id}` },
      data: { type: "STAC", payload },
    });
    return JSON.stringify({ id: `patch-${id}`, topic, key: `things/${id}`, value });
  });
  const imported = await fetch(new URL("events/import", node.url), { method: "POST", body: lines.join("\n") });
  assert.deepEqual(await imported.json(), { appended: 3, repeated: 0 });
  await until(async () => (await errorsOf(node)).length === 3);
  for (const id of ids) {
    const experiment = id === "c" ? "ssp585" : "historical";
    const answer = await node.send("POST", "stac/collections/things/items", itemOf(id, experiment), {
      Prefer: "wait=30",
    });
    assert.ok(answer.ok, await answer.text());
  }
  const isMended = async (id: string): Promise<boolean> => {
    const item = await node.json<{ properties: { mended?: boolean } }>(`stac/collections/things/items/${id}`);
    return item.properties.mended === true;
  };
  return { node, isMended, database };
}

test("what failed is applied when it is sent again: one, those of a filter, all", async (t) => {
  const { node, isMended, database } = await withFailures(t);
  const failures = await errorsOf(node);
  assert.deepEqual(
    failures.map(({ event }) => [event.original.id, event.error.status]).sort(),
    ["a", "b", "c"].map((id) => [`patch-${id}`, 404]),
  );
  assert.deepEqual(await Promise.all(["a", "b", "c"].map(isMended)), [false, false, false]);
  assert.equal((await errorsOf(node, "?topics=.*ssp.*")).length, 1);
  assert.equal((await errorsOf(node, "?limit=1")).length, 1);
  assert.equal((await errorsOf(node, "?node=west")).length, 0);

  assert.deepEqual(await redrive(node, { ids: ["patch-a"] }), { sent: 1, repeated: 0, lost: [] });
  await until(() => isMended("a"));
  assert.deepEqual(await redrive(node, { ids: ["patch-a"] }), { sent: 0, repeated: 1, lost: [] });
  assert.deepEqual(await redrive(node, { topics: ".*ssp.*" }), { sent: 1, repeated: 0, lost: [] });
  await until(() => isMended("c"));
  assert.equal(await isMended("b"), false);
  assert.deepEqual(await redrive(node, { all: true }), { sent: 1, repeated: 2, lost: [] });
  await until(() => isMended("b"));
  const pool = await poolOf(t, database, "east");
  assert.deepEqual(
    await pool.query("select event_id, applied_count, problem from outcome where event_id like 'patch%' order by 1"),
    ["a", "b", "c"].map((id) => ({ event_id: `patch-${id}`, applied_count: 1, problem: null })),
  );

  await t.test("and a catalogue that is made again from the log is the same", async () => {
    const answer = await node.send("POST", "events/rebuild", {});
    assert.equal(answer.status, 200);
    await until(async () => (await node.count()) === 3);
    for (const id of ["a", "b", "c"]) await until(() => isMended(id));
    assert.deepEqual(await pool.query("select applied_count, count(*) as events from outcome group by 1"), [
      { applied_count: 1, events: 6 },
    ]);
    assert.equal((await errorsOf(node)).length, 3, "nothing was told of a second time");
  });

  await t.test("a redrive that names nothing, or something else, is refused", async () => {
    for (const body of [{}, { everything: true }, { type: "mine" }, { topics: "(" }, { since: "yesterday" }]) {
      assert.equal((await node.send("POST", "events/redrive", body)).status, 400, JSON.stringify(body));
    }
  });
});

test("what nobody would hear is not sent again: another node's log is followed, and not one's own", async (t) => {
  const { node: there } = await withFailures(t);
  const log = `${there.url}events`;
  for (const { follow, sent, why } of [
    { follow: [{ log, group: "west" }], sent: 0, why: /^west follows events of .*, not the log of this node: heal/ },
    { follow: [{ log, group: "west" }, {}], sent: 3, why: /^$/ },
  ]) {
    const west = await startNode(t, { name: "node", database: await newDatabase(t), follow });
    await until(async () => (await errorsOf(west)).length === 3);
    const again = await redrive(west, { all: true });
    assert.deepEqual([again.sent, again.lost.length], [sent, 3 - sent]);
    assert.match(again.lost[0]?.reason ?? "", why);
  }
});

test("an export brings another log, and its catalogue, to the same state", async (t) => {
  const first = await startNode(t, { name: "east", database: await newDatabase(t) });
  await first.publish(ITEMS);
  const gone = ITEMS.find((item) => !isHistorical(item));
  await first.send("DELETE", `stac/collections/CMIP6/items/${gone?.id}`);
  await until(async () => (await first.count()) === 59);
  const lines = await (await first.get("events/messages")).text();
  const exported = lines.split("\n").filter((line) => line !== "" && !line.startsWith('{"next"'));
  assert.equal(exported.length, 61);

  const described = await first.json<{ asyncapi: string; servers: object }>("events/asyncapi.json");
  assert.equal(described.asyncapi, "3.0.0");
  assert.match(JSON.stringify(described.servers), new RegExp(first.url.host));

  const second = await startNode(t, { name: "east", database: await newDatabase(t) });
  const bring = async (): Promise<unknown> => {
    const body = exported.join("\n");
    return (await fetch(new URL("events/import", second.url), { method: "POST", body })).json();
  };
  assert.deepEqual(await bring(), { appended: 61, repeated: 0 });
  await until(async () => (await second.count()) === 59);
  assert.deepEqual(await bring(), { appended: 0, repeated: 61 });
  const broken = await fetch(new URL("events/import", second.url), { method: "POST", body: `${exported[0]}\n{"id":` });
  assert.equal(broken.status, 422);
  assert.match(((await broken.json()) as { detail: string }).detail, /^line 2: /);
});

test("a log that lost its beginning is not made a catalogue of", async (t) => {
  const database = await newDatabase(t);
  const settings = { name: "east", database };
  const first = await startNode(t, settings);
  await first.publish(ITEMS);
  await until(async () => (await first.count()) === 60);
  await first.close();
  // A moment of a day.
  const second = await startNode(t, { ...settings, retention: { events: 1e-9, statuses: 1e-9 } });
  const tails = async (): Promise<number> => {
    const { tails } = await second.json<{ tails: Record<string, number> }>("events/positions");
    return Object.values(tails).reduce((sum, offset) => sum + offset, 0);
  };
  await until(async () => (await tails()) === 60);
  const pool = await poolOf(t, database, "east");
  await until(async () => (await pool.query("select from outcome")).length === 0);
  const answer = await second.send("POST", "events/rebuild", {});
  assert.equal(answer.status, 409);
  assert.equal(await second.count(), 60);
});
