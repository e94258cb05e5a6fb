import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { CALL, hang, sum, type TestRuns, withRuns } from "./engine.ts";

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly input: unknown;
  readonly output?: unknown;
  readonly error?: { readonly message: string };
  readonly outputDigest?: string;
  readonly used: readonly { readonly id: string }[];
  readonly generated: readonly { readonly id: string; readonly digest: string }[];
  readonly parts: readonly {
    readonly name: string;
    readonly kind: string;
    readonly attempts: readonly { readonly state: string; readonly seconds: number; readonly worker: string }[];
    readonly logs: readonly { readonly message: string }[];
  }[];
  readonly links: readonly { readonly rel: string; readonly href: string }[];
}
interface Listed {
  readonly runs: readonly Shown[];
  readonly links: readonly { readonly rel: string; readonly href: string }[];
}

suite("/flows", () => {
  let runs: TestRuns;
  withRuns((started) => {
    runs = started;
  });

  test("a run is shown with its steps, tries, logs, and what it read and made", async () => {
    const id = await runs.ran(sum, { a: 2, b: 3 });
    const run = await runs.json<Shown>(`flows/${id}`);
    assert.equal(run.state, "succeeded");
    assert.deepEqual(run.output, { sum: 5, input: { a: 2, b: 3 } });
    assert.match(run.outputDigest ?? "", /^sha256:[0-9a-f]{64}$/);
    assert.deepEqual(run.used, [{ id: "https://source.example/numbers", digest: "sha256:00" }]);
    assert.deepEqual(run.generated, [{ id: "sum.txt", digest: "sha256:11" }]);
    const [part] = run.parts;
    assert.deepEqual([part?.name, part?.kind], ["adding", "step"]);
    assert.deepEqual(
      part?.logs.map(({ message }) => message),
      ["2 and 3"],
    );
    assert.deepEqual(
      part?.attempts.map(({ state }) => state),
      ["succeeded"],
    );
    assert.ok(part!.attempts[0]!.seconds >= 0 && part!.attempts[0]!.worker !== "");
    assert.equal(run.links.find(({ rel }) => rel === "self")?.href, `http://node.example/flows/${id}`);
    const provenance = await runs.json<{ used: object; activity: object }>(`flows/${id}/provenance`);
    assert.equal(Object.keys(provenance.activity).length, 2);
  });

  test("lists are filtered and paged, the newest first", async () => {
    const ids: string[] = [];
    for (let a = 0; a < 3; a++) ids.unshift(await runs.ran(sum, { a, b: 0 }));
    const first = await runs.json<Listed>("flows?flow=sum&state=succeeded,failed&limit=2");
    assert.deepEqual(
      first.runs.map(({ id }) => id),
      ids.slice(0, 2),
    );
    const next = first.links.find(({ rel }) => rel === "next")?.href ?? "";
    assert.match(next, /flow=sum/);
    assert.equal((await runs.json<Listed>(next)).runs[0]?.id, ids[2]);
    assert.deepEqual((await runs.json<Listed>("flows?before=2000-01-01T00:00:00Z")).runs, []);
    for (const wrong of ["state=lost", "limit=0", "limit=1001", "after=now", "flow=a&flow=b", "x=1"]) {
      assert.equal((await runs.get(`flows?${wrong}`)).status, 400, wrong);
    }
  });

  test("a run that failed is tried again; what has ended is not cancelled", async () => {
    const id = await runs.ran(runs.mend, "text");
    const failed = await runs.json<Shown>(`flows/${id}`);
    assert.deepEqual([failed.state, failed.error?.message], ["failed", "it is broken: data.tif"]);
    assert.equal((await runs.post(`flows/${id}/cancel`)).status, 409);
    runs.mending.isFixed = true;
    const again = await runs.post(`flows/${id}/retry`);
    assert.equal(again.status, 202);
    assert.equal(again.headers.get("location"), `http://node.example/flows/${id}`);
    await runs.engine.runs.settled(id, CALL);
    assert.equal((await runs.json<Shown>(`flows/${id}`)).state, "succeeded");
    assert.equal((await runs.post(`flows/${id}/retry`)).status, 409);
  });

  test("a run that goes on is cancelled, and then forgotten", async () => {
    const { id } = await runs.engine.runs.start(hang, null, CALL);
    await runs.hanging(id);
    assert.equal((await runs.get(`flows/${id}`, { method: "DELETE" })).status, 409);
    assert.equal((await runs.post(`flows/${id}/cancel`)).status, 202);
    await runs.engine.runs.settled(id, CALL);
    assert.equal((await runs.json<Shown>(`flows/${id}`)).state, "cancelled");
    assert.equal((await runs.get(`flows/${id}`, { method: "DELETE" })).status, 204);
    const gone = await runs.get(`flows/${id}`);
    assert.equal(gone.status, 404);
    assert.equal(gone.headers.get("content-type"), "application/problem+json");
  });

  test("what is said in lists, details, provenance and jobs has no secrets and no folders of the machine", async () => {
    runs.mending.isFixed = false;
    const ids = [await runs.ran(sum, { a: 1, b: 1 }), await runs.ran(runs.mend, "text")];
    const paths = ids.flatMap((id) => ["", "/events", "/provenance"].map((path) => `flows/${id}${path}`));
    for (const path of ["flows", "ogcapi/jobs", ...paths]) {
      assert.doesNotMatch(await (await runs.get(path)).text(), /secret|signature|someone/, path);
    }
  });

  test("how a run goes on comes as events, at both addresses, until it has ended", async () => {
    for (const [path, headers] of [
      ["/events", {}],
      ["", { Accept: "text/event-stream" }],
    ] as const) {
      const { id } = await runs.engine.runs.start(hang, null, CALL);
      await runs.hanging(id);
      const response = await runs.get(`flows/${id}${path}`, { headers });
      assert.equal(response.headers.get("content-type"), "text/event-stream");
      let text = "";
      for await (const piece of response.body!.pipeThrough(new TextDecoderStream()).values()) {
        if (text === "") await runs.post(`flows/${id}/cancel`);
        text += piece;
      }
      const events = [...text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name);
      assert.deepEqual([events[0], events.at(-1)], ["run", "ended"]);
      const states = [...text.matchAll(/^data: (.+)$/gm)].map(([, data]) => (JSON.parse(data!) as Shown).state);
      assert.deepEqual([states[0], states.at(-1)], ["running", "cancelled"]);
      assert.match(text, /^id: ended$/m);
      const back = await runs.get(`flows/${id}/events`, { headers: { "Last-Event-ID": "ended" } });
      assert.equal(back.status, 204, "browsers stay away");
    }
  });

  test("a run that is not there is 404 everywhere", async () => {
    for (const path of ["", "/events", "/provenance"]) assert.equal((await runs.get(`flows/none${path}`)).status, 404);
    for (const path of ["/cancel", "/retry"]) assert.equal((await runs.post(`flows/none${path}`)).status, 404);
    assert.equal((await runs.get("flows/none", { method: "DELETE" })).status, 404);
  });

  test("workers are listed with their queues", async () => {
    const { workers } = await runs.json<{ workers: { queues: string[] }[] }>("flows/workers");
    assert.deepEqual(
      workers.map(({ queues }) => [...queues].sort()),
      [["core", "slow"]],
    );
  });
});
