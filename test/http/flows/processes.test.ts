import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { z } from "zod";
import type { AnyFlow } from "../../../src/flows/flow.ts";
import { processDescription } from "../../../src/http/routes/processes/description.ts";
import { CALL, hang, sum, type TestRuns, withRuns } from "./engine.ts";

interface Job {
  readonly jobID: string;
  readonly processID: string;
  readonly status: string;
  readonly progress: number;
  readonly links: readonly { readonly rel: string; readonly href: string }[];
}
interface Jobs {
  readonly jobs: readonly Job[];
  readonly links: readonly { readonly rel: string; readonly href: string }[];
}
type Described = Record<"inputs" | "outputs", Record<string, { schema: object; minOccurs: number }>>;
const EXCEPTION = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/";

suite("OGC API Processes", () => {
  let runs: TestRuns;
  withRuns((started) => {
    runs = started;
  });

  const executed = async (process: string, inputs: object, headers = {}): Promise<{ job: Job; response: Response }> => {
    const response = await runs.post(`ogcapi/processes/${process}/execution`, { inputs }, headers);
    assert.equal(response.status, 201);
    return { job: (await response.clone().json()) as Job, response };
  };
  const ended = async (id: string): Promise<Job> => {
    await runs.engine.runs.settled(id, CALL);
    return runs.json<Job>(`ogcapi/jobs/${id}`);
  };

  test("the landing page leads to all resources, and each answers", async () => {
    const { links } = await runs.json<{ links: { rel: string; href: string }[] }>("ogcapi");
    for (const rel of ["conformance", "processes", "job-list"]) {
      const link = links.find((one) => one.rel === `http://www.opengis.net/def/rel/ogc/1.0/${rel}`);
      assert.equal((await runs.get(link?.href ?? "none")).status, 200, rel);
    }
    const { conformsTo } = await runs.json<{ conformsTo: string[] }>("ogcapi/conformance");
    assert.ok(conformsTo.includes("http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core"));
  });

  test("public flows alone are processes, described by JSON Schema", async () => {
    const { processes } = await runs.json<{ processes: { id: string; jobControlOptions: string[] }[] }>(
      "ogcapi/processes",
    );
    assert.deepEqual(
      processes.map(({ id }) => id),
      ["sum", "hang"],
    );
    assert.deepEqual(processes[0]?.jobControlOptions, ["async-execute", "dismiss"]);
    const { inputs, outputs } = await runs.json<Described>("ogcapi/processes/sum");
    assert.deepEqual(
      Object.entries(inputs).map(([name, { minOccurs }]) => [name, minOccurs]),
      [
        ["a", 1],
        ["b", 0],
        ["more", 0],
      ],
    );
    const ajv = new Ajv2020();
    assert.ok(ajv.validate(inputs.a!.schema, 1) && !ajv.validate(inputs.a!.schema, "1"));
    assert.deepEqual(Object.keys(outputs), ["sum", "input"]);
    const { inputs: whole } = await runs.json<Described>("ogcapi/processes/hang");
    assert.deepEqual(Object.keys(whole), ["value"]);
    const page = await runs.json<{ processes: { id: string }[]; links: { rel: string; href: string }[] }>(
      "ogcapi/processes?limit=1",
    );
    const next = page.links.find(({ rel }) => rel === "next")?.href ?? "";
    assert.equal((await runs.json<typeof page>(next)).processes[0]?.id, "hang");
  });

  test("a process is executed as a job, whose results come by name", async () => {
    const { job, response } = await executed(
      "sum",
      { a: 2, more: { value: { deep: true } } },
      { Prefer: "respond-async" },
    );
    assert.equal(response.headers.get("location"), `http://node.example/ogcapi/jobs/${job.jobID}`);
    assert.equal(response.headers.get("preference-applied"), "respond-async");
    const { status, progress, links } = await ended(job.jobID);
    assert.deepEqual([status, progress], ["successful", 100]);
    const results = links.find(({ rel }) => rel.endsWith("/results"))?.href ?? "";
    const answer = await runs.json<Record<string, unknown>>(results);
    assert.deepEqual(answer.sum, 3);
    assert.deepEqual(answer.input, { value: { a: 2, b: 1, more: { deep: true } } });
  });

  test("what a job will take is told before", async () => {
    const response = await runs.post("ogcapi/processes/sum/estimate", { inputs: { a: 7 } });
    assert.deepEqual(await response.json(), { seconds: 7 });
  });

  test("inputs that the process does not take are refused with their places", async () => {
    for (const body of [
      { inputs: { a: "x" } },
      { inputs: {} },
      { inputs: { a: 1 }, response: "raw" },
      { inputs: { a: 1 }, subscriber: { successUri: "http://127.0.0.1/" } },
      { inputs: [1] },
    ]) {
      const response = await runs.post("ogcapi/processes/sum/execution", body);
      assert.equal(response.status, 400, JSON.stringify(body));
    }
    const { errors } = (await (await runs.post("ogcapi/processes/sum/execution", { inputs: {} })).json()) as {
      errors: { pointer: string }[];
    };
    assert.deepEqual(
      errors.map(({ pointer }) => pointer),
      ["/a"],
    );
  });

  test("a running job has no results; dismissed it is stopped, and dismissed again it is forgotten", async () => {
    const { job } = await executed("hang", { value: null });
    await runs.hanging(job.jobID);
    const running = await runs.json<Job>(`ogcapi/jobs/${job.jobID}`);
    assert.deepEqual([running.status, running.progress], ["running", 40]);
    const early = await runs.get(`ogcapi/jobs/${job.jobID}/results`);
    assert.equal(early.status, 404);
    assert.equal(((await early.json()) as { type: string }).type, `${EXCEPTION}result-not-ready`);
    const dismissed = await runs.get(`ogcapi/jobs/${job.jobID}`, { method: "DELETE" });
    assert.equal(((await dismissed.json()) as Job).status, "dismissed");
    assert.equal((await ended(job.jobID)).status, "dismissed");
    assert.equal((await runs.get(`ogcapi/jobs/${job.jobID}/results`)).status, 410);
    assert.equal((await runs.get(`ogcapi/jobs/${job.jobID}`, { method: "DELETE" })).status, 200);
    assert.equal((await runs.get(`ogcapi/jobs/${job.jobID}`)).status, 404);
  });

  test("the job list knows every parameter of the standard", async () => {
    const ids: string[] = [];
    for (let a = 0; a < 3; a++) ids.unshift(await runs.ran(sum, { a, b: 0 }));
    const { id: hung } = await runs.engine.runs.start(hang, null, CALL);
    await runs.hanging(hung);
    const shown = async (query: string): Promise<string[]> =>
      (await runs.json<Jobs>(`ogcapi/jobs?${query}`)).jobs.map(({ jobID }) => jobID);
    assert.deepEqual(await shown("processID=sum&limit=3"), ids);
    assert.deepEqual(await shown("processID=hang,none&status=accepted,running"), [hung]);
    assert.deepEqual(await shown("type=process&limit=2"), [hung, ids[0]]);
    assert.deepEqual(await shown("type=other"), []);
    assert.deepEqual(await shown("datetime=../2000-01-01T00:00:00Z"), []);
    assert.equal((await shown("datetime=2000-01-01/..&processID=sum&limit=3")).length, 3);
    assert.deepEqual(await shown("minDuration=100000"), []);
    assert.ok((await shown("maxDuration=100000")).includes(hung));
    for (const wrong of ["datetime=../..", "datetime=a/b", "status=lost", "limit=0", "minDuration=-1"]) {
      assert.equal((await runs.get(`ogcapi/jobs?${wrong}`)).status, 400, wrong);
    }
    await runs.engine.runs.cancel(hung, CALL);
  });

  test("pages of jobs lead on, over runs that are none", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      ids.unshift(await runs.ran(sum, { a: i, b: 0 }));
      await runs.ran(runs.mend, "text");
    }
    const seen: string[] = [];
    let path: string | undefined = "ogcapi/jobs?limit=2&processID=sum,mend";
    while (path !== undefined && seen.length < 3) {
      const page: Jobs = await runs.json<Jobs>(path);
      assert.ok(page.jobs.length <= 2);
      seen.push(...page.jobs.map(({ jobID }) => jobID));
      path = page.links.find(({ rel }) => rel === "next")?.href;
    }
    assert.deepEqual(seen.slice(0, 3), ids);
  });

  test("runs of flows that are no processes are no jobs", async () => {
    const id = await runs.ran(runs.mend, "text");
    const response = await runs.get(`ogcapi/jobs/${id}`);
    assert.equal(response.status, 404);
    assert.equal(((await response.json()) as { type: string }).type, `${EXCEPTION}no-such-job`);
    const process = await runs.get("ogcapi/processes/mend");
    assert.equal(((await process.json()) as { type: string }).type, `${EXCEPTION}no-such-process`);
  });
});

test("inputs whose schemas refer to themselves are described whole", () => {
  const anything: AnyFlow = { ...hang, input: z.object({ tree: z.json() }), output: z.json() };
  const { inputs, outputs } = processDescription(anything, new URL("http://node.example/ogcapi/")) as Described;
  for (const schema of [inputs.tree!.schema, outputs.value!.schema]) {
    assert.ok(new Ajv2020({ strict: false }).compile(schema)({ deep: [1, { deeper: null }] }));
  }
  assert.doesNotThrow(() => new Ajv2020({ strict: false }).compile({ anyOf: [inputs.tree!.schema] }));
});
