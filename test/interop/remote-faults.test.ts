import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { after, before, beforeEach, describe, type TestContext, test } from "node:test";
import { writeNetcdf4 } from "../../src/write/netcdf4/write.ts";
import { inMemory } from "../../src/write/source.ts";
import { type StaticServer, startStaticServer } from "../files/static-server.ts";
import { netcdf4, type Served, start, temporary } from "../node/archive.ts";
import { encoder, LITTLE, sourceOf } from "../write/sample.ts";

/** Answers that say "later" name a time beyond what anybody waits for: so nothing here does. */
const LATER = { "retry-after": "600" };
const CHUNK = "datasets/a/kerchunk/tas/1.0";
const COMPUTED = "datasets/a/zarr@codec=none/tas/1.0";
const PLACES = 200_000;

/** A file of `days` chunks that are much larger than what is read to open it; every value of a day is `10 * day + more`. */
async function far(days: number, more = 0): Promise<Uint8Array> {
  const values = Int16Array.from({ length: days * PLACES }, (_, i) => 10 * Math.floor(i / PLACES) + more);
  const spec = { dims: ["time", "place"], shape: [days, PLACES], chunks: [1, PLACES], codecs: LITTLE, fill: 0 };
  const source = sourceOf([inMemory("tas", { ...spec, dtype: "int16", attrs: new Map() }, values)]);
  return Buffer.concat(await Array.fromAsync(writeNetcdf4(source, { encoder })));
}

describe("a far store that fails while it is served", () => {
  let server: StaticServer;
  before(async () => {
    server = await startStaticServer();
  });
  beforeEach(() => {
    server.habits = {};
    server.files.clear();
  });
  after(() => server.close());

  /** A node over one file, opened, of which no chunk has been read. */
  async function serve(t: TestContext, days = 2): Promise<Served> {
    server.files.set("d/a.nc", await far(days));
    const node = await start(t, temporary(t), `sources: [${server.url}d/a.nc]\nrescanSeconds: 0`);
    await node.scan();
    assert.deepEqual(await node.problems(), []);
    return node;
  }

  function failWith(answer: (response: ServerResponse) => unknown): void {
    server.habits = {
      intercept(_request, response) {
        answer(response);
        return true;
      },
    };
  }

  async function expectLater(node: Served, detail: RegExp, paths = [CHUNK, COMPUTED]): Promise<void> {
    for (const path of paths) {
      const response = await node.get(path);
      const problem = (await response.json()) as { detail: string };
      assert.equal(response.status, 503, `${path}: ${problem.detail}`);
      assert.ok(Number(response.headers.get("retry-after")) > 0, path);
      assert.equal(response.headers.get("cache-control"), "no-store");
      assert.match(problem.detail, detail);
    }
  }

  for (const status of [500, 503, 429]) {
    test(`${status} is 503, with the time that the store asks for`, async (t) => {
      const node = await serve(t);
      failWith((response) => response.writeHead(status, LATER).end());
      await expectLater(node, new RegExp(`answered ${status}`));
      assert.equal((await node.get(CHUNK)).headers.get("retry-after"), "600");
      server.habits = {};
      assert.equal((await node.get(CHUNK)).status, 200);
      assert.deepEqual(await valuesOf(node, COMPUTED), [10, 10]);
    });
  }

  test("a refusal is the store's fault, not the client's", async (t) => {
    const node = await serve(t);
    failWith((response) => response.writeHead(403).end());
    await expectLater(node, /refused \(403\)/, [CHUNK]);
    assert.ok([502, 503].includes((await node.get(COMPUTED)).status));
  });

  test("connections that break or are refused", async (t) => {
    const node = await serve(t);
    failWith((response) => response.destroy());
    await expectLater(node, /./, [CHUNK]);
    const gone = await startStaticServer();
    gone.files.set("d/a.nc", server.files.get("d/a.nc")!);
    const other = await start(t, temporary(t), `sources: [${gone.url}d/a.nc]\nrescanSeconds: 0`);
    await other.scan();
    await gone.close();
    await expectLater(other, /./, [CHUNK]);
  });

  test("bodies that end too early are never passed on", async (t) => {
    const node = await serve(t);
    server.habits = {
      intercept(request, response) {
        const [, first = "0", last = "0"] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
        const length = Number(last) - Number(first) + 1;
        const size = server.files.get("d/a.nc")!.byteLength;
        response.writeHead(206, {
          "content-range": `bytes ${first}-${Math.min(size - 1, Number(last))}/${size}`,
          "content-length": Math.min(length, size - Number(first)),
        });
        response.write("x", () => response.destroy());
        return true;
      },
    };
    await expectLater(node, /./, [CHUNK]);
  });

  test("a part other than the one asked for is not taken for it", async (t) => {
    const node = await serve(t);
    const bytes = server.files.get("d/a.nc")!;
    failWith((response) => {
      response.writeHead(206, { "content-range": `bytes 7-106/${bytes.byteLength}`, "content-length": 100 });
      response.end(bytes.subarray(7, 107));
    });
    await expectLater(node, /not those asked for/, [CHUNK]);
  });

  test("a file that is replaced is read as it is now", async (t) => {
    const node = await serve(t, 3);
    const before = await node.get("datasets/a/kerchunk/tas/0.0");
    assert.equal(before.status, 200);
    server.files.set("d/a.nc", await far(2, 5));
    assert.deepEqual(await valuesOf(node, COMPUTED), [15, 15]);
    const now = await node.get(CHUNK);
    assert.equal(now.status, 200);
    assert.notEqual(now.headers.get("etag")?.split("/")[0], before.headers.get("etag")?.split("/")[0]);
    assert.deepEqual(await valuesOf(node, "datasets/a/zarr@codec=none/tas/0.0"), [5, 5]);
    assert.equal((await node.get("datasets/a/kerchunk/tas/2.0")).status, 404);
  });

  test("a file that goes away", async (t) => {
    const node = await serve(t);
    assert.equal((await node.get("datasets/a/kerchunk/tas/0.0")).status, 200);
    server.files.clear();
    // A Zarr client takes 404 of a chunk for fill: what cannot be read is not that.
    await expectLater(node, /not there any more/, [CHUNK]);
    node.clock.advance(61_000);
    assert.equal((await node.get(CHUNK)).status, 404);
    assert.equal((await node.get("datasets/a/info")).status, 404);
  });

  test("redirects and references lead only where it is allowed, and the answer says how to allow it", async (t) => {
    const bytes = await netcdf4(0, 2);
    const elsewhere = await startStaticServer();
    t.after(() => elsewhere.close());
    elsewhere.files.set("open/a.nc", bytes);
    server.files.set("d/refs.json", Buffer.from(JSON.stringify(references(`${elsewhere.url}open/a.nc`, 10))));
    server.habits = {
      intercept(request, response) {
        if (!request.url?.endsWith("moved.nc")) return false;
        response.writeHead(302, { location: `${elsewhere.url}open/a.nc` }).end();
        return true;
      },
    };
    const source = `sources: [${server.url}d/moved.nc, ${server.url}d/refs.json]\nrescanSeconds: 0`;
    const strict = await start(t, temporary(t), source);
    await strict.scan();
    const flag = `--allow ${elsewhere.url}open/`;
    const reasons = (await strict.problems()).map(({ reason }) => reason).join();
    assert.ok(reasons.includes(flag), reasons);
    const refused = await strict.get("datasets/refs/kerchunk/x/0");
    assert.equal(refused.status, 403);
    assert.ok(((await refused.json()) as { detail: string }).detail.includes(flag));
    assert.deepEqual(elsewhere.requests, []);

    const open = await start(t, temporary(t), `${source}\nallow: [${elsewhere.url}open/]`);
    await open.scan();
    assert.deepEqual(await open.problems(), []);
    assert.deepEqual(await open.day("moved", 1), [10, 11, 12]);
    assert.deepEqual(
      Buffer.from(await (await open.get("datasets/refs/kerchunk/x/0")).bytes()),
      Buffer.from(bytes.subarray(0, 10)),
    );
  });
});

/** The first and the last value of a chunk that is sent as plain int16. */
async function valuesOf(node: Served, path: string): Promise<(number | undefined)[]> {
  const response = await node.get(path);
  assert.equal(response.status, 200, path);
  const values = new Int16Array(await response.arrayBuffer());
  return [values[0], values.at(-1)];
}

/** A set of references to one chunk: the first bytes of a file elsewhere. */
function references(url: string, count: number): object {
  const zarray = { zarr_format: 2, shape: [count], chunks: [count], dtype: "|u1", compressor: null, filters: null };
  return {
    version: 1,
    refs: {
      ".zgroup": JSON.stringify({ zarr_format: 2 }),
      "x/.zarray": JSON.stringify({ ...zarray, fill_value: 0, order: "C" }),
      "x/.zattrs": JSON.stringify({ _ARRAY_DIMENSIONS: ["n"] }),
      "x/0": [url, 0, count],
    },
  };
}
