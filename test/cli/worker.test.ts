import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { stringify } from "yaml";
import { atEnd, newFolder } from "../db/server-process.ts";
import { newDatabase, startNode, type TestNode } from "../publication/nodes.ts";
import { GYRE, gyre, killed, temporary } from "./run.ts";

interface Said {
  readonly event: string;
  readonly pid: number;
  readonly reason?: string;
}

/** `gyre worker --json`, with what it says. */
function startWorker(t: TestContext, folder: string, argv: readonly string[]) {
  const child = spawn(process.execPath, [GYRE, "worker", "--json", ...argv], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  atEnd(t, () => killed(child));
  const ended = once(child, "exit") as Promise<[number | null]>;
  let err = "";
  child.stderr.on("data", (bytes) => (err += bytes));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async next(): Promise<Said> {
      const { done, value } = await lines.next();
      if (done) throw new Error(`gyre worker ended: ${err}`);
      return JSON.parse(value) as Said;
    },
    async stop(): Promise<number | null> {
      child.kill("SIGTERM");
      return (await ended)[0];
    },
  };
}

/** The state in which a job ended, and all that is told of it when that is no success. */
async function ranOn(node: TestNode, name: string): Promise<string> {
  const boundary = "POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0))";
  const body = { boundary_name: name, boundary, processors: ["test_processor.version_1"] };
  const { job_id: id } = (await (await node.send("POST", "v1/jobs", body)).json()) as { job_id: string };
  const text = await (await node.get(`flows/${id}/events`)).text();
  const [, last = ""] = /event: ended\nid: ended\ndata: (.*)\n/.exec(text) ?? [];
  const { state } = JSON.parse(last) as { state: string };
  return state === "succeeded" ? state : last;
}

test("a worker of its own works for a node, goes on in fresh processes, and drains", async (t) => {
  const folder = temporary(t);
  const settings = {
    database: await newDatabase(t),
    packages: { includeTestProcessors: true, storage: join(folder, "packages") },
  };
  const node = await startNode(t, { ...settings, roles: ["api"] });
  const config = join(folder, "gyre.yaml");
  writeFileSync(config, stringify({ ...settings, dataDir: join(folder, "data") }));

  const worker = startWorker(t, folder, ["--config", config, "--recycle-after", "1", "--concurrency", "1"]);
  const first = await worker.next();
  assert.equal(first.event, "working");
  // Its steps are more than one: several processes take their turn.
  assert.equal(await ranOn(node, "square"), "succeeded");
  const worn = await worker.next();
  assert.deepEqual([worn.event, worn.pid], ["worn", first.pid]);
  const second = await worker.next();
  assert.equal(second.event, "working");
  assert.notEqual(second.pid, first.pid);
  assert.equal(await worker.stop(), 0);
});

test("a worker joins the private database of a node", async (t) => {
  const folder = newFolder(t);
  const dataDir = join(folder, "data");
  const node = await startNode(t, { dataDir, roles: ["api"] });
  await node.get("stac");
  const worker = startWorker(t, folder, ["--data-dir", dataDir, "--queues", "core,idf"]);
  assert.equal((await worker.next()).event, "working");
  const { workers } = await node.json<{ workers: { queues: string[] }[] }>("flows/workers");
  assert.deepEqual(
    workers.map(({ queues }) => queues),
    [["core", "idf"]],
  );
  assert.equal(await worker.stop(), 0);
  assert.deepEqual(await node.json("flows/workers"), { workers: [] });
});

test("a worker without a database, or with wrong numbers, says so", async (t) => {
  const folder = temporary(t);
  for (const [argv, said] of [
    [[], /flows need a database/],
    [["--concurrency", "0"], /--concurrency "0" is not a number from 1 to 256/],
    [["--recycle-after", "x"], /--recycle-after "x" is not a number/],
    [["--database", "mysql://x"], /is not a postgres:\/\/ address/],
  ] as const) {
    const { code, err } = await gyre(folder, ["worker", ...argv]);
    assert.equal(code, 2, argv.join(" "));
    assert.match(err, said);
  }
});
