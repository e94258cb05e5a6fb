import assert from "node:assert/strict";
import { test } from "node:test";
import { newDatabase, startNode, type TestNode, until } from "../publication/nodes.ts";

interface Run {
  readonly id: string;
  readonly state: string;
  readonly error?: { readonly message: string };
}

/** An area of its own needs no table of boundaries. */
const SQUARE = "POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0))";

async function submitted(node: TestNode): Promise<string> {
  const body = { boundary_name: "square", boundary: SQUARE, processors: ["test_processor.version_1"] };
  const answer = await node.send("POST", "v1/jobs", body);
  const text = await answer.text();
  assert.equal(answer.status, 202, text);
  return JSON.parse(text).job_id;
}

/** The last that a run's stream says. */
async function ended(node: TestNode, id: string): Promise<Run> {
  const text = await (await node.get(`flows/${id}/events`)).text();
  const [, last = ""] = /event: ended\nid: ended\ndata: (.*)\n/.exec(text) ?? [];
  return JSON.parse(last) as Run;
}

test("a node makes a package, and serves it", async (t) => {
  const node = await startNode(t, {
    database: await newDatabase(t),
    packages: { includeTestProcessors: true },
  });
  assert.deepEqual(await node.json("v1/liveness"), { status: "alive" });
  assert.deepEqual(await node.json("v1/readiness"), { status: "ready" });
  assert.deepEqual(await node.json("flows/workers"), { workers: [] }, "a node at rest holds no engine");

  const id = await submitted(node);
  // While there is work, and for a minute after it.
  const queues = async (): Promise<readonly string[] | undefined> =>
    (await node.json<{ workers: { queues: string[] }[] }>("flows/workers")).workers[0]?.queues.toSorted();
  await until(async () => (await queues())?.join() === "core,looks,packages");
  const run = await ended(node, id);
  assert.equal(run.state, "succeeded", run.error?.message);
  const { uri, boundary_name: name } = await node.json<{ uri: string; boundary_name: string }>(await packagePath(node));
  assert.match(uri, new RegExp(`^${node.url.href}packages/${name}/`));
  const { resources } = (await (await fetch(new URL("datapackage.json", uri))).json()) as {
    resources: { name: string; path: string }[];
  };
  assert.ok(resources.some(({ name }) => name.includes("test_processor")));
  const { jobs } = await node.json<{ jobs: { jobID: string }[] }>("ogcapi/jobs");
  assert.deepEqual(
    jobs.map(({ jobID }) => jobID),
    [id],
  );
  assert.deepEqual(node.errors, []);
});

test("a node without the role of a worker takes jobs, and leaves them to others", async (t) => {
  const database = await newDatabase(t);
  const settings = { database, packages: { includeTestProcessors: true } };
  const front = await startNode(t, { ...settings, roles: ["api"] });
  const answer = await front.get("v1/readiness");
  assert.deepEqual([answer.status, await answer.json()], [500, { status: "not_ready" }]);
  const id = await submitted(front);
  assert.equal((await front.json<Run>(`flows/${id}`)).state, "queued");

  const back = await startNode(t, { ...settings, roles: ["worker"] });
  await until(async () => (await front.json<{ status: string }>("v1/readiness")).status === "ready");
  assert.equal((await ended(front, id)).state, "succeeded");
  assert.equal((await back.get("v1/jobs")).status, 404, "it answers for its health alone");
  assert.equal((await back.get("healthz")).status, 200);
});

test("with jobs off packages are read only", async (t) => {
  const node = await startNode(t, { database: await newDatabase(t), packages: { jobs: "off" } });
  const answer = await node.send("POST", "v1/jobs", {});
  assert.equal(answer.status, 400);
  assert.match(await answer.text(), /No jobs are currently being accepted\./);
  assert.deepEqual(await node.json("v1/packages"), []);
});

test("the API's description has every route of the processing half, and its references lead somewhere", async (t) => {
  const node = await startNode(t, { database: await newDatabase(t) });
  const text = await (await node.get("openapi.json")).text();
  const document = JSON.parse(text);
  for (const path of [
    ...["/flows", "/flows/{id}", "/flows/{id}/events", "/flows/{id}/provenance", "/flows/workers"],
    ...["/ogcapi", "/ogcapi/processes/{process}/execution", "/ogcapi/jobs/{job}/results"],
    ...["/v1/boundaries", "/v1/processors", "/v1/jobs", "/v1/packages", "/v1/readiness"],
  ]) {
    assert.ok(path in document.paths, path);
  }
  assert.ok(document.paths["/ogcapi/processes/{process}/execution"].post.requestBody);
  const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, pointer]) => pointer!);
  for (const pointer of new Set(references)) {
    const found = pointer
      .split("/")
      .reduce((at, key) => at?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], document);
    assert.notEqual(found, undefined, pointer);
  }
});

async function packagePath(node: TestNode): Promise<string> {
  const [first] = await node.json<{ boundary_name: string }[]>("v1/packages");
  return `v1/packages/${first?.boundary_name}`;
}
