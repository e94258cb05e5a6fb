import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { main } from "../../src/cli/main.ts";
import { readDump } from "../../src/log/dump.ts";
import { linesOf } from "../../src/log/line.ts";
import { newDatabase, someItems, startNode, until } from "../publication/nodes.ts";
import { freePort } from "../services/services.ts";
import { temporary } from "./run.ts";

/** Runs `gyre events` in this process. */
async function events(node: URL, ...argv: string[]): Promise<{ code: number; out: string[]; err: string[] }> {
  const { code, ...said } = running(new AbortController().signal, node, ...argv);
  return { code: await code, ...said };
}

/** Starts `gyre events` in this process. */
function running(signal: AbortSignal, node: URL, ...argv: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const code = main(["events", ...argv, "--node", node.href], "0.0.0", {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    tty: false,
    env: {},
    signal,
  });
  return { code, out, err };
}

test("gyre events looks into a log, keeps it, and brings it to another node", async (t) => {
  const folder = temporary(t);
  const node = await startNode(t, { name: "east", database: await newDatabase(t) });
  await node.publish(someItems(30));
  await until(async () => (await node.count()) === 30);

  const topics = await events(node.url, "topics", "--json");
  const counts = topics.out.map((line) => (JSON.parse(line) as { messages: number }).messages);
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    30,
  );
  const positions = await events(node.url, "positions");
  assert.equal(positions.out.length, 9);
  assert.match(positions.out[0]!, /^0 {2}0 to \d+$/);
  const end = positions.out.at(-1)!.replace("end: ", "");
  const tail = await events(node.url, "tail", "--topics", ".*\\.historical\\..*");
  assert.ok(tail.out.length > 0 && tail.out.length < 30);
  for (const line of tail.out) assert.match(line, /CMIP6\.historical\.\S+ {2}POST {3}CMIP6\//);
  assert.deepEqual((await events(node.url, "tail", "--from", end)).out, []);
  const consumers = await events(node.url, "consumers");
  assert.match(consumers.out[0]!, /^east {2}0 behind {2}reading .* \.\*$/);
  assert.deepEqual((await events(node.url, "errors")).out, ["no errors"]);

  const file = join(folder, "export.jsonl");
  assert.equal((await events(node.url, "export", "--out", file)).code, 0);
  assert.equal(readFileSync(file, "utf8").trimEnd().split("\n").length, 30);
  const dump = join(folder, "dump");
  assert.deepEqual((await events(node.url, "dump", dump)).out, [`30 messages kept in ${dump}`]);

  const other = await startNode(t, { name: "east", database: await newDatabase(t) });
  assert.deepEqual((await events(other.url, "import", file)).out, ["30 appended, 0 were there already"]);
  assert.deepEqual((await events(other.url, "replay", "--dump", dump)).out, ["0 appended, 30 were there already"]);
  await until(async () => (await other.count()) === 30);
  assert.equal((await events(other.url, "replay")).code, 0);
  await until(async () => (await other.count()) === 30);
  assert.equal(
    (await events(other.url, "redrive", "--all")).out[0],
    "0 sent again, 0 were sent before, 0 cannot be sent",
  );
});

test("what follows outlives the node that it follows: nothing is missed, and nothing told twice", async (t) => {
  const folder = join(temporary(t), "dump");
  const settings = { name: "east", database: await newDatabase(t), listen: { port: await freePort() } };
  const first = await startNode(t, settings);
  const stop = new AbortController();
  const tail = running(stop.signal, first.url, "tail", "--follow", "--from", "beginning");
  const dump = running(stop.signal, first.url, "dump", folder, "--follow");
  await first.publish(someItems(5));
  await until(async () => tail.out.length === 5);
  await first.close();
  const second = await startNode(t, settings);
  await second.publish(someItems(9).slice(5));
  await until(async () => tail.out.length === 9);
  const kept = async (): Promise<string[]> => (await Array.fromAsync(linesOf(readDump(folder)), String)).sort();
  await until(async () => (await kept()).length === 9);
  stop.abort();
  assert.deepEqual([await tail.code, await dump.code], [0, 0]);
  assert.equal(new Set(tail.out).size, 9);
  assert.equal(new Set(await kept()).size, 9);
  assert.deepEqual(dump.out, [`9 messages kept in ${folder}`]);
  assert.match(dump.err.join("\n"), /it is waited for/);
});

test("failures are a line each, whatever words they quote, and one that is not there is told of", async (t) => {
  const node = await startNode(t, { name: "east", database: await newDatabase(t) });
  const file = join(temporary(t), "poison.jsonl");
  const at = { partition: "0", offset: 0, time: "2026-01-01T00:00:00Z" };
  const line = { ...at, id: "poison", topic: "a.b.c", key: "CMIP6/x", value: "\u001b[2Jno\njson" };
  writeFileSync(file, `${JSON.stringify(line)}\n`);
  assert.deepEqual((await events(node.url, "import", file)).out, ["1 appended, 0 were there already"]);
  let found: string[] = [];
  await until(async () => {
    ({ out: found } = await events(node.url, "errors"));
    return found[0] !== "no errors";
  });
  assert.equal(found.length, 1);
  assert.match(found[0]!, /^\S+ {2}[0-9a-f]+ {2}east {2}payload 422 {2}.*is not JSON/);
  assert.doesNotMatch(`${found}${(await events(node.url, "tail")).out}`, /\p{Cc}/u);
  const { code, out, err } = await events(node.url, "redrive", "nothing", "poison");
  assert.equal(code, 1);
  assert.deepEqual(out, ["1 sent again, 0 were sent before, 1 cannot be sent"]);
  assert.deepEqual(err, ["nothing: there is no such failure"]);
});

test("gyre events lag tells by topic what a consumer has still to apply", async (t) => {
  const away = { group: "away", target: "http://127.0.0.1:1/stac", topics: ".*\\.historical\\..*" };
  const node = await startNode(t, { name: "east", database: await newDatabase(t), follow: [{}, away] });
  const items = someItems(30);
  await node.publish(items);
  await until(async () => (await node.count()) === 30);
  const { out } = await events(node.url, "lag", "--json");
  const lags = out.map((line) => JSON.parse(line) as { consumer: string; topic: string; messages: number });
  assert.ok(lags.every(({ consumer, topic }) => consumer === "away" && /^CMIP6\.historical\./.test(topic)));
  assert.equal(
    lags.reduce((sum, { messages }) => sum + messages, 0),
    items.filter(({ id }) => id.includes(".historical.")).length,
  );
  const [{ topic = "" } = {}] = lags;
  assert.match((await events(node.url, "lag", "--topics", topic)).out.join("\n"), /^ +\d+ {2}CMIP6\S+ {2}away$/);
});

test("gyre events says what is wrong", async (t) => {
  const node = await startNode(t, { name: "east", database: await newDatabase(t), catalog: { writable: false } });
  assert.equal((await events(node.url, "nothing")).code, 2);
  assert.equal((await events(node.url, "redrive")).code, 2);
  assert.equal((await events(node.url, "tail", "--from", "x")).code, 2);
  assert.match((await events(node.url)).err[0]!, /^gyre events: name an action first; there is: topics,/);
  assert.match((await events(node.url, "nothing")).err[0]!, /^gyre events: there is no action "nothing"; there is/);
  const refused = await events(node.url, "redrive", "--all");
  assert.equal(refused.code, 1);
  assert.match(refused.err[0]!, /answers 405: this node only follows others/);
  await node.close();
  const gone = await events(node.url, "topics");
  assert.equal(gone.code, 1);
  assert.match(gone.err[0]!, /does not answer/);
});
