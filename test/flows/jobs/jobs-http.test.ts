import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { type Client, ClientError, createClient, type Job } from "../../../src/client/index.ts";
import type { Access } from "../../../src/core/access.ts";
import { createApp } from "../../../src/http/app.ts";
import { createJobs } from "../../../src/http/routes/packages/jobs.ts";
import { type Setting, startSetting, testProcessor } from "./setting.ts";

const BASE = "http://node.example/";
const one = testProcessor("one");
const two = testProcessor("two");
const ONE = "one.version_1";
const TWO = "two.version_1";

let setting: Setting;
let fetcher: (request: Request) => Promise<Response>;
let client: Client;

/** The node's app, without a socket. */
function appOf(acceptsJobs: boolean): (request: Request) => Promise<Response> {
  const { engine, flows, boundaries, processors } = setting;
  const jobs = createJobs({
    runs: async () => engine.runs,
    flows: async () => flows,
    boundaries: async () => boundaries,
    processors: async () => processors,
    acceptsJobs,
  });
  return createApp({ access: {} as Access, protocols: [jobs] });
}

async function post(
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  path = "v1/jobs",
): Promise<Response> {
  return fetcher(
    new Request(`${BASE}${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify(body),
    }),
  );
}

async function detailOf(response: Response): Promise<[number, string]> {
  return [response.status, ((await response.json()) as { detail: string }).detail];
}

async function watched(id: string): Promise<Job> {
  const states = await Array.fromAsync(client.jobWatch(id));
  const last = states.at(-1);
  assert.equal(last?.job_group_status, "COMPLETE");
  return last;
}

suite("/v1/jobs", () => {
  before(async () => {
    setting = await startSetting({ processors: [one, two], boundaries: ["a", "b", "c", "d", "e"] });
    fetcher = appOf(true);
    client = createClient(BASE, { fetch: (url, init) => fetcher(new Request(url, init)) });
  });
  after(() => setting.close());

  test("a job is accepted: 202, its id and its place", async () => {
    const response = await post({ boundary_name: "a", processors: [ONE] });
    const { job_id: id } = (await response.json()) as { job_id: string };
    assert.deepEqual([response.status, response.headers.get("location")], [202, `${BASE}v1/jobs/${id}`]);
    const job = await watched(id);
    assert.deepEqual(Object.keys(job), ["job_group_status", "job_group_percent_complete", "job_group_processors"]);
    assert.equal(job.job_group_processors[0]?.job_status, "SUCCESS");
    assert.deepEqual(await client.jobStatus(id), job);
    assert.ok(await client.jobComplete(id));
    assert.ok((await client.jobList()).some(({ job_id, boundary_name }) => job_id === id && boundary_name === "a"));
  });

  test("a job that nobody knows is not found, nor is a run of another flow", async () => {
    await assert.rejects(client.jobStatus("nobody"), new ClientError("Job not found: nobody", 404));
    await assert.rejects(client.jobCancel("nobody"), new ClientError("Job not found: nobody", 404));
    const { job_group_processors: all } = await watched(await client.jobSubmit("b", [ONE]));
    const unit = all[0]?.job_id ?? "";
    await assert.rejects(client.jobStatus(unit), { status: 404 });
  });

  test("boundaries and processors that are not here are bad requests", async () => {
    const texts = [
      await detailOf(await post({ boundary_name: "nowhere", processors: [ONE] })),
      await detailOf(await post({ boundary_name: "a", processors: [ONE, "none.version_9"] })),
    ];
    assert.deepEqual(texts, [
      [400, "Requested boundary nowhere could not be found"],
      [400, "Invalid processor.version: none.version_9"],
    ]);
  });

  test("bodies that are no jobs are told what is wrong, and where", async () => {
    const response = await post({ boundary_name: "a", processors: [ONE, ONE] });
    const { detail, errors } = (await response.json()) as { detail: string; errors: unknown };
    assert.deepEqual([response.status, detail], [422, "duplicate processors not allowed"]);
    assert.deepEqual(errors, [{ pointer: "/processors", detail }]);
    for (const body of [
      {},
      [],
      "a",
      { processors: [ONE] },
      { boundary_name: "a" },
      { boundary_name: 1, processors: [1] },
    ]) {
      assert.equal((await post(body)).status, 422, JSON.stringify(body));
    }
    assert.equal((await post({ boundary_name: "a", processors: [] })).status, 422);
  });

  test("no parameter of others leaks into the interface", async () => {
    const response = await post({ boundary_name: "a", processors: [ONE] }, {}, "v1/jobs?status_code=500");
    assert.equal(response.status, 400);
  });

  test("the same key is the same job; with another job it is refused", async () => {
    const submit = (processors: readonly string[]) => client.jobSubmit("c", processors, { idempotencyKey: "k-1" });
    const id = await submit([ONE]);
    assert.equal(await submit([ONE]), id);
    await assert.rejects(submit([TWO]), { status: 422 });
    assert.equal((await post({ boundary_name: "c", processors: [ONE] }, { "Idempotency-Key": "a/b" })).status, 400);
    await watched(id);
  });

  test("an estimate starts nothing", async () => {
    const before = (await client.jobList()).length;
    assert.deepEqual(await client.jobEstimate("a", [ONE, TWO]), { readBytes: 20, writeBytes: 10, seconds: 2 });
    assert.equal((await client.jobList()).length, before);
  });

  test("own polygons make packages of their own, as GeoJSON and as WKT; the same area is the same package", async () => {
    const ring = [
      [7, 7],
      [8, 7],
      [8, 8],
      [7, 8],
      [7, 7],
    ];
    const first = await watched(
      await client.jobSubmit("mine", [ONE], { polygon: { type: "Polygon", coordinates: [ring] } }),
    );
    assert.equal(first.job_group_processors[0]?.job_status, "SUCCESS");
    const uri = String(first.job_group_processors[0]?.job_result?.uri);
    assert.match(uri, /\/packages\/mine-[0-9a-f]{12}\/datasets\/one\/version_1\/$/);
    const second = await watched(
      await client.jobSubmit("mine", [ONE], { polygon: "POLYGON ((8 8, 7 8, 7 7, 8 7, 8 8))" }),
    );
    assert.equal(second.job_group_processors[0]?.job_status, "SKIPPED");
    const other = await watched(
      await client.jobSubmit("yours", [ONE], { polygon: "POLYGON ((8 8, 7 8, 7 7, 8 7, 8 8))" }),
    );
    assert.equal(other.job_group_processors[0]?.job_status, "SUCCESS");
  });

  test("an uploaded file is a polygon too: the same area is the same package", async () => {
    const ring = [
      [6, 6],
      [7, 6],
      [7, 7],
      [6, 7],
      [6, 6],
    ];
    const text = JSON.stringify({ type: "Polygon", coordinates: [ring] });
    const first = await watched(await client.jobSubmit("sent", [ONE], { polygon: new File([text], "area.geojson") }));
    assert.equal(first.job_group_processors[0]?.job_status, "SUCCESS");
    const second = await watched(
      await client.jobSubmit("sent", [ONE], { polygon: "POLYGON ((6 6, 7 6, 7 7, 6 7, 6 6))" }),
    );
    assert.equal(second.job_group_processors[0]?.job_status, "SKIPPED");
    for (const file of [new File([text], "../area"), new File(["{"], "area.geojson"), new File(["PK"], "a.zip")]) {
      await assert.rejects(
        client.jobSubmit("sent", [ONE], { polygon: file }),
        (error: ClientError) => (error.status ?? 500) < 500,
      );
    }
  });

  test("polygons that cross themselves or the antimeridian are taken, what is none is refused", async () => {
    const bow = [
      [1, 1],
      [2, 2],
      [2, 1],
      [1, 2],
      [1, 1],
    ];
    const fiji = [
      [177, -20],
      [-178, -20],
      [-178, -15],
      [177, -15],
      [177, -20],
    ];
    for (const [ring, bbox] of [
      [bow, [1, 1, 2, 2]],
      [fiji, [177, -20, -178, -15]],
    ] as const) {
      const job = { boundary_name: "odd", processors: [ONE], boundary: { type: "Polygon", coordinates: [ring], bbox } };
      const response = await post(job);
      assert.equal(response.status, 202, JSON.stringify(ring));
      const { job_id: id } = (await response.json()) as { job_id: string };
      assert.equal((await watched(id)).job_group_processors[0]?.job_status, "SUCCESS");
    }
    for (const boundary of ["POINT (1 1)", "POLYGON ((", { type: "Polygon", coordinates: [] }, { type: "Nothing" }]) {
      const response = await post({ boundary_name: "odd", processors: [ONE], boundary });
      assert.equal(response.status, 422, JSON.stringify(boundary));
    }
    const named = { boundary_name: "../odd", processors: [ONE], boundary: "POLYGON ((8 8, 7 8, 7 7, 8 7, 8 8))" };
    assert.equal((await post(named)).status, 422);
  });

  test("a job that is cancelled says so", async () => {
    const begun = Promise.withResolvers<void>();
    one.work = async (_, { signal }) => {
      begun.resolve();
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    };
    const id = await client.jobSubmit("d", [ONE]);
    await begun.promise;
    one.work = async () => undefined;
    const { job_group_processors: all, job_group_status } = await client.jobCancel(id);
    assert.deepEqual([all[0]?.job_status, job_group_status], ["REVOKED", "COMPLETE"]);
    await assert.rejects(client.jobCancel(id), { status: 409 });
  });

  test("a node that takes no jobs says so", async () => {
    const id = await client.jobSubmit("e", [ONE]);
    await watched(id);
    const on = fetcher;
    fetcher = appOf(false);
    try {
      const refused = await detailOf(await post({ boundary_name: "e", processors: [ONE] }));
      assert.deepEqual(refused, [400, "No jobs are currently being accepted."]);
      await assert.rejects(client.jobStatus(id), { status: 404 });
    } finally {
      fetcher = on;
    }
  });
});
