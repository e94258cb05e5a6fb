import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { GyreError } from "../../src/errors.ts";
import { Starting } from "../../src/publication/starting.ts";
import { serverPid } from "../db/server-process.ts";
import { freePort } from "../services/services.ts";
import { atEnd, newDatabase, startNode, until } from "./nodes.ts";

/** Time that passes when it is told to. */
function handClock() {
  const planned: { readonly ms: number; readonly work: () => void }[] = [];
  return {
    clock: {
      now: () => 0,
      after(ms: number, work: () => void) {
        planned.push({ ms, work });
        return () => undefined;
      },
    },
    /** Pauses so far. */
    pauses: () => planned.map(({ ms }) => ms),
    go: () => planned.at(-1)?.work(),
  };
}

test("what cannot start is tried again, ever more seldom, and told of once", async () => {
  const { clock, pauses, go } = handClock();
  const told: string[] = [];
  let tries = 0;
  const starting = new Starting({
    name: "the thing",
    clock,
    onError: (error) => told.push((error as Error).message),
    async start() {
      if (++tries < 9) throw new GyreError("Busy", tries < 4 ? "away" : "full");
      return { close: async () => undefined };
    },
  });
  assert.equal(starting.state, "starting");
  await assert.rejects(starting.value(), { message: "the thing of this node could not start: away" });
  while (tries < 9) {
    const before = pauses().length;
    await until(() => pauses().length === Math.max(before, tries));
    assert.equal(starting.state, "failed");
    go();
    await until(() => tries > before);
  }
  await starting.started;
  assert.equal(starting.state, "ready");
  assert.deepEqual(told, ["away", "full"]);
  assert.deepEqual(pauses(), [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
});

test("a wrong configuration stays wrong; closing ends the waiting", async () => {
  const wrong = new Starting({
    name: "the thing",
    onError: () => undefined,
    start: async () => {
      throw new GyreError("BadRequest", "no such setting");
    },
  });
  await assert.rejects(wrong.started, { message: "no such setting" });
  await wrong.close();

  const { promise, resolve } = Promise.withResolvers<void>();
  let isClosed = false;
  const slow = new Starting({
    name: "the thing",
    onError: () => undefined,
    async start() {
      await promise;
      return {
        async close() {
          isClosed = true;
        },
      };
    },
  });
  const waiting = assert.rejects(slow.value(), { message: "the thing of this node is stopped" });
  const closing = slow.close();
  await waiting;
  resolve();
  await closing;
  assert.ok(isClosed, "what came too late was closed");
});

test("a node without its database serves its data, says why, and recovers by itself", async (t) => {
  const real = new URL(await newDatabase(t));
  const socket = join(decodeURIComponent(real.hostname), `.s.PGSQL.${real.port}`);
  const port = await freePort();
  const node = await startNode(t, { database: `postgres://gyre:${real.password}@127.0.0.1:${port}${real.pathname}` });
  for (const path of ["stac", "stac/search", "events", "events/stream"]) {
    const answer = await node.get(path);
    assert.equal(answer.status, 503, path);
    assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
    const { detail } = (await answer.json()) as { detail: string };
    assert.match(detail, /the catalogue of this node could not start: .* does not answer/);
  }
  assert.equal((await node.get("datasets")).status, 200);
  const ready = await node.json<{ ready: boolean; detail: string }>("readyz");
  assert.ok(ready.ready);
  assert.match(ready.detail, /could not start: .* does not answer/);
  const { problems } = await node.json<{ problems: { source: string; reason: string }[] }>("problems");
  assert.deepEqual(
    problems.map(({ source }) => source),
    ["catalogue"],
  );

  // The server comes: a way to the real one.
  const way = createServer((from) => {
    const to = connect(socket);
    from.pipe(to).pipe(from);
    from.on("error", () => to.destroy());
    to.on("error", () => from.destroy());
  }).listen(port, "127.0.0.1");
  atEnd(t, () => way.close());
  await until(async () => (await node.get("stac")).status === 200);
  assert.deepEqual((await node.json<{ problems: unknown[] }>("problems")).problems, []);
  assert.equal(node.errors.length, 1, node.errors.join("\n"));
});

test("a private database of another version is not touched, and the way out is said", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-publication-"));
  chmodSync(folder, 0o755);
  atEnd(t, () => rmSync(folder, { recursive: true }));
  const data = join(folder, "cluster", "data");
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, "PG_VERSION"), "12\n");
  const node = await startNode(t, { databaseFolder: folder });
  const { detail, status } = await node.json<{ detail: string; status: number }>("stac");
  assert.equal(status, 503);
  assert.match(detail, /was made by PostgreSQL 12.*gyre events export/s);
  assert.equal((await node.get("datasets")).status, 200);
});

test("a node that is closed while its database starts leaves nothing running", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-publication-"));
  chmodSync(folder, 0o755);
  atEnd(t, () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  const node = await startNode(t, { databaseFolder: folder });
  await node.close();
  assert.equal(serverPid(folder), undefined);
  assert.deepEqual(node.errors, []);
});
