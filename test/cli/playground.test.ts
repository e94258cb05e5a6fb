import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { syntheticItems } from "../../src/catalog/synthetic/items.ts";
import { atEnd, ended, serverPid, until } from "../db/server-process.ts";
import { startKafka } from "../services/kafka.ts";
import { startPostgres } from "../services/postgres-server.ts";
import { freePort } from "../services/services.ts";
import { GYRE, gyre, temporary } from "./run.ts";

interface Told {
  readonly event: string;
  readonly name: string;
  readonly pid: number;
  readonly node: string;
  readonly pages: string;
  readonly ingest?: string;
}

interface Playground {
  readonly child: ChildProcess;
  /** As they were told last. */
  readonly nodes: Readonly<Record<string, Told>>;
  readonly pids: readonly number[];
  /** Sends a signal and answers the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** A running playground on free ports; what a failing test leaves is ended. */
async function playground(t: TestContext, folder: string, ...argv: string[]): Promise<Playground> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GYRE_")));
  const command = [GYRE, "playground", "--port", "0", "--json", "--data-dir", folder, ...argv];
  const child = spawn(process.execPath, command, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const exit = once(child, "exit") as Promise<[number | null]>;
  const end: Playground["end"] = async (signal) => {
    child.kill(signal);
    return (await exit)[0];
  };
  atEnd(t, () => end("SIGTERM"));
  let said = "";
  child.stderr.on("data", (bytes) => (said += bytes));
  const nodes: Record<string, Told> = {};
  const ready = new Promise<void>((done) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const told = JSON.parse(line) as Told;
      if (told.event === "ready") done();
      else nodes[told.name] = told;
    });
  });
  await Promise.race([ready, exit.then(() => assert.fail(`the playground ended before it was ready: ${said}`))]);
  return { child, nodes, pids: Object.values(nodes).map(({ pid }) => pid), end };
}

/** What its nodes listen on, counted from the first port. */
const FURTHER_PORTS = [1, 2, 3, 4, 5, 40, 41];
const ITEMS = [...syntheticItems(100, 7, "CMIP6")];
const HISTORICAL = ITEMS.filter(({ id }) => id.includes(".historical.")).length;
const EXPECTED = { east: ITEMS.length, west: ITEMS.length, secondary: HISTORICAL };

function publish(node: string): Promise<Response> {
  return fetch(new URL("stac/collections/CMIP6/items", node), {
    method: "POST",
    body: JSON.stringify({ type: "FeatureCollection", features: ITEMS }),
    headers: { "Content-Type": "application/json" },
  });
}

async function matched(node: string): Promise<number> {
  const answer = await fetch(new URL("stac/search?limit=1", node));
  return ((await answer.json()) as { numberMatched: number }).numberMatched;
}

/** Resolves when each node has what it should. */
async function converged({ nodes }: Playground): Promise<void> {
  for (const [name, count] of Object.entries(EXPECTED)) {
    await until(async () => (await matched(nodes[name]!.node)) === count);
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("what is published at one node is at all of them, whatever ends the playground", async (t) => {
  assert.ok(HISTORICAL > 5 && HISTORICAL < 50);
  const folder = temporary(t);
  // The server's user must be able to enter it.
  chmodSync(folder, 0o755);
  const first = await playground(t, folder);
  const { east, west, secondary } = first.nodes;
  assert.equal((await publish(east!.node)).status, 202);
  await converged(first);

  await t.test("the secondary takes no writes", async () => {
    assert.equal((await publish(secondary!.node)).status, 405);
    assert.equal(secondary!.ingest, undefined);
    const redrive = await fetch(new URL("events/redrive", secondary!.node), {
      method: "POST",
      body: '{"all":true}',
      headers: { "Content-Type": "application/json" },
    });
    assert.equal(redrive.status, 405);
  });

  await t.test("further ports lead to the pages", async () => {
    for (const { node, pages } of [east!, west!, secondary!]) {
      const answer = await fetch(new URL("stac/search?limit=2", pages), { redirect: "manual" });
      assert.equal(answer.status, 307);
      assert.equal(answer.headers.get("location"), `${node}stac/search?limit=2`);
      assert.equal(new URL((await fetch(`${pages}/evil.example/`)).url).host, new URL(node).host);
    }
  });

  await t.test("the founding system's ingest API echoes what it takes", async () => {
    const item = { ...ITEMS[0]!, id: `${ITEMS[0]!.id}.echo` };
    const body = JSON.stringify(item);
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(new URL("CMIP6/items", west!.ingest), { method: "POST", body, headers });
    assert.equal(answer.status, 202);
    assert.deepEqual(await answer.json(), item);
    const address = `stac/collections/CMIP6/items/${item.id}`;
    await until(async () => (await fetch(new URL(address, east!.node))).status === 200);
    assert.equal((await fetch(new URL(`CMIP6/items/${item.id}`, east!.ingest), { method: "DELETE" })).status, 202);
    await until(async () => (await fetch(new URL(address, west!.node))).status === 404);
  });

  await t.test("an interrupt stops everything", async () => {
    assert.equal(await first.end("SIGINT"), 0);
    assert.deepEqual(first.pids.filter(isRunning), []);
    assert.equal(serverPid(join(folder, "postgres")), undefined);
  });

  await t.test("what was published is there again, and nothing outlives a playground that is killed", async (t) => {
    const second = await playground(t, folder);
    await converged(second);
    assert.equal((await publish(second.nodes.east!.node)).status, 409);
    await second.end("SIGKILL");
    for (const pid of second.pids) await ended(pid);
    assert.equal(serverPid(join(folder, "postgres")), undefined);
  });
});

test("a node that ends is started again where it was, and has what came meanwhile", async (t) => {
  const folder = temporary(t);
  chmodSync(folder, 0o755);
  // Of any free ports one could be another's when its node is started again.
  const port = await freePort(FURTHER_PORTS);
  const running = await playground(t, folder, "--port", String(port));
  for (let round = 0; round < 2; round++) {
    const west = running.nodes.west!;
    process.kill(west.pid, "SIGKILL");
    if (round === 0) assert.equal((await publish(running.nodes.east!.node)).status, 202);
    await until(async () => running.nodes.west !== west);
    const { pid } = running.nodes.west!;
    assert.notEqual(pid, west.pid);
    assert.deepEqual(running.nodes.west, { ...west, pid });
    await converged(running);
  }
  assert.equal(await running.end("SIGINT"), 0);
});

test("a playground whose database cannot start says why, and leaves nothing", async (t) => {
  const url = "postgres://nobody:x@127.0.0.1:1/none";
  const { code, err } = await gyre(temporary(t), ["playground", "--port", "0", "--database", url, "--data-dir", "p"]);
  assert.equal(code, 1);
  assert.match(err, /the node east has no catalogue: .*127\.0\.0\.1:1\/none does not answer/);
});

test("on a PostgreSQL server and Apache Kafka", async (t) => {
  const server = await startPostgres();
  if (server.unavailable !== undefined) return t.skip(server.unavailable);
  atEnd(t, () => server.stop());
  const kafka = await startKafka();
  if (kafka.unavailable !== undefined) return t.skip(kafka.unavailable);
  atEnd(t, () => kafka.stop());
  const folder = temporary(t);
  const running = await playground(t, folder, "--database", server.url.href, "--kafka", kafka.brokers.join(","));
  assert.equal((await publish(running.nodes.west!.node)).status, 202);
  await converged(running);
  const { log } = (await (await fetch(new URL("events", running.nodes.east!.node))).json()) as { log: string };
  assert.match(log, /^Apache Kafka/);
  assert.equal(await running.end("SIGTERM"), 0);
  const groups = await kafka.tool("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", [
    ...["--bootstrap-server", kafka.brokers[0]!, "--describe", "--all-groups", "--timeout", "120000"],
  ]);
  for (const group of ["esgf-east", "esgf-west", "secondary-node"]) assert.match(groups, new RegExp(group));
});
