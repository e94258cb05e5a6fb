import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { type Listening, listen } from "../../src/http/listen.ts";
import { CALL, hang, sum, type TestRuns, withRuns } from "../http/flows/engine.ts";
import { gyre, type Ran, temporary } from "./run.ts";

suite("gyre flows", () => {
  let runs: TestRuns;
  let server: Listening;
  withRuns((started) => {
    runs = started;
  });
  before(async () => {
    server = await listen(runs.app, { host: "127.0.0.1", port: 0 });
  });
  after(() => server.close(0));

  test("lists, shows, and retries what failed, until it ends", async (t) => {
    const folder = temporary(t);
    const flows = (...argv: string[]): Promise<Ran> => gyre(folder, ["flows", ...argv, "--node", server.url.href]);
    const failed = await runs.ran(runs.mend, "text");
    const succeeded = await runs.ran(sum, { a: 1, b: 2 });

    const all = await flows("list");
    assert.equal(all.code, 0, all.err);
    assert.deepEqual(
      all.out.split("\n").map((line) => line.split("  ").slice(0, 3)),
      [[succeeded, "sum", "succeeded"], [failed, "mend", "failed"], [""]],
    );
    const asked = await flows("list", "--state", "failed", "--json");
    assert.equal(JSON.parse(asked.out).id, failed);
    assert.equal((await flows("list", "--flow", "none")).out, "no runs\n");

    const shown = await flows("show", failed);
    assert.match(shown.out, /^ {2}trying try {2}failed .* it is broken: data.tif$/m);
    assert.match((await flows("show", succeeded)).out, /^ {4}\S+ {2}1 and 2$/m);

    assert.equal((await flows("retry", failed, "--watch")).code, 1);
    runs.mending.isFixed = true;
    const again = await flows("retry", failed, "--watch");
    assert.equal(again.code, 0, again.err);
    assert.match(again.out, /mend {2}succeeded {2}100 %/);

    const late = await flows("cancel", failed);
    assert.equal(late.code, 1);
    assert.match(late.err, /409/);
    assert.equal((await flows("delete", failed)).code, 0);
    assert.match((await flows("show", failed)).err, /404/);
    assert.match((await flows("workers")).out, /core, slow|slow, core/);
  });

  test("watches a run that is cancelled", async (t) => {
    const folder = temporary(t);
    const { id } = await runs.engine.runs.start(hang, null, CALL);
    await runs.hanging(id);
    const watching = gyre(folder, ["flows", "show", id, "--watch", "--json", "--node", server.url.href]);
    const cancelled = await gyre(folder, ["flows", "cancel", id, "--watch", "--node", server.url.href]);
    assert.equal(cancelled.code, 0, cancelled.err);
    const { code, out } = await watching;
    assert.equal(code, 1);
    assert.equal(JSON.parse(out.trimEnd().split("\n").at(-1) ?? "").state, "cancelled");
  });

  test("usage that is wrong says what is right", async (t) => {
    const folder = temporary(t);
    for (const [argv, said] of [
      [["flows"], /name an action first; there is: list, show/],
      [["flows", "show"], /name one run/],
      [["flows", "list", "--node", "nowhere"], /is no node/],
    ] as const) {
      const { code, err } = await gyre(folder, argv);
      assert.equal(code, 2, argv.join(" "));
      assert.match(err, said);
    }
  });
});
