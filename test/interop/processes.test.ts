import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { after, before, suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Listening, listen } from "../../src/http/listen.ts";
import { type TestRuns, withRuns } from "../http/flows/engine.ts";

const PYTHON = fileURLToPath(new URL("../../.peers/owslib/bin/python", import.meta.url));
const skip = !existsSync(PYTHON) && "no .peers/owslib: node scripts/services.ts install";

const CLIENT = `
import json, sys, time, requests
from owslib.ogcapi.processes import Processes
# A busy machine takes the time that it needs.
ask = requests.Session.request
requests.Session.request = lambda self, *args, **kwargs: ask(self, *args, **{**kwargs, "timeout": None})
api = Processes(sys.argv[1])
job = api.execute("sum", {"a": 2, "b": 3}, async_=True)
link = {one["rel"]: one["href"] for one in job["links"]}
while job["status"] in ("accepted", "running"):
    time.sleep(0.05)
    job = requests.get(link["self"]).json()
results = next(one["href"] for one in job["links"] if one["rel"].endswith("/results"))
print(json.dumps({
    "conformance": len(api.conformance()["conformsTo"]),
    "processes": [one["id"] for one in api.processes()],
    "inputs": list(api.process("sum")["inputs"]),
    "status": job["status"],
    "sum": requests.get(results).json()["sum"],
}))
`;

suite("OWSLib", { skip }, () => {
  let runs: TestRuns;
  let server: Listening;
  withRuns((started) => {
    runs = started;
  });
  before(async () => {
    server = await listen(runs.app, { host: "127.0.0.1", port: 0 });
  });
  after(() => server.close(0));

  test("finds processes, executes one as a job, and gets its results", async () => {
    const { stdout } = await promisify(execFile)(PYTHON, ["-c", CLIENT, `${server.url.href}ogcapi`]);
    assert.deepEqual(JSON.parse(stdout), {
      ...{ conformance: 5, processes: ["sum", "hang"], inputs: ["a", "b", "more"] },
      ...{ status: "successful", sum: 5 },
    });
  });
});
