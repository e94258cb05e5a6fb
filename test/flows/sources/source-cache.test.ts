import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { isGyreError } from "../../../src/errors.ts";
import type { Files } from "../../../src/files/files.ts";
import { createLocalFiles } from "../../../src/files/local.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { createS3Files } from "../../../src/files/s3.ts";
import { createSourceCache, type SourceCache } from "../../../src/flows/sources/source-cache.ts";
import { ManualClock } from "../../files/clock.ts";
import { rejects } from "../../files/rejects.ts";
import { type StaticServer, startStaticServer } from "../../files/static-server.ts";
import { startS3 } from "../../services/services.ts";
import { withFaults } from "../packages/faulty-files.ts";

const s3 = await startS3("archive");
after(async () => {
  if (s3.unavailable === undefined) await s3.stop();
});

const BYTES = new Uint8Array(300_000).map((_, i) => (i * 7) % 251);
const MiB = 1024 * 1024;
const SHA1 = `sha1:${createHash("sha1").update(BYTES).digest("hex")}`;

interface Setup {
  readonly server: StaticServer;
  readonly folder: string;
  readonly wanted: { readonly url: URL };
  /** Another worker's cache: of another machine, unless `folder` is said. */
  cache(more?: {
    readonly limit?: number;
    readonly files?: Files;
    readonly root?: URL;
    readonly scratch?: string;
    readonly clock?: ManualClock;
  }): Promise<SourceCache>;
}

async function setUp(t: TestContext): Promise<Setup> {
  const server = await startStaticServer();
  const folder = await mkdtemp(join(tmpdir(), "gyre-sources-"));
  t.after(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });
  server.files.set("a.tif", BYTES);
  const files = createMemoryFiles();
  const clock = new ImpatientClock();
  return {
    server,
    folder,
    wanted: { url: new URL("a.tif", server.url) },
    async cache(more = {}) {
      const scratch = await mkdtemp(join(folder, "machine-"));
      return createSourceCache({
        ...{ files, root: new URL("memory:///sources/"), scratch, allow: [server.url], clock },
        ...more,
      });
    },
  };
}

/** Pauses are over at once; silence and the renewal of leases take as long as a test says. */
class ImpatientClock extends ManualClock {
  override wait(ms: number, signal?: AbortSignal): Promise<void> {
    return ms < 10_000 ? new Promise((resolve) => setImmediate(resolve)) : super.wait(ms, signal);
  }
}

/** The same, but pauses take their time: whoever waits for a lease that nobody renews sees it die. */
class PassingClock extends ImpatientClock {
  #passed = 0;

  override now(): number {
    return super.now() + this.#passed;
  }

  override wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms < 10_000) this.#passed += ms;
    return super.wait(ms, signal);
  }
}

const bodies = ({ server }: Setup): string[] =>
  server.requests.filter(({ method }) => method === "GET").map(({ headers }) => headers.range ?? "all");

/** Sends the beginning of an answer and breaks the connection. */
function cutOff(response: ServerResponse, bytes: number): void {
  response.writeHead(200, { etag: etagOf(BYTES), "content-length": BYTES.byteLength });
  response.write(BYTES.subarray(0, bytes), () => response.destroy());
}

function etagOf(bytes: Uint8Array): string {
  return `"${createHash("md5").update(bytes).digest("hex")}"`;
}

test("whoever comes first fetches; others of the machine and of other machines do not", async (t) => {
  const setup = await setUp(t);
  const [first, elsewhere] = [await setup.cache(), await setup.cache()];
  const paths = ["1.tif", "2.tif", "3.tif"].map((name) => join(setup.folder, name));
  const told: number[] = [];
  const progress = ({ bytes }: { bytes: number }): void => void told.push(bytes);
  const [one] = await Promise.all([
    first.take(setup.wanted, paths[0]!, { progress }),
    first.take(setup.wanted, paths[1]!, {}),
  ]);
  await elsewhere.take(setup.wanted, paths[2]!, {});
  for (const path of paths) assert.deepEqual(new Uint8Array(await readFile(path)), BYTES);
  assert.equal(one.digest, `sha256:${createHash("sha256").update(BYTES).digest("hex")}`);
  assert.equal(told.at(-1), BYTES.byteLength);
  assert.deepEqual(bodies(setup), ["all"]);
  assert.deepEqual(await elsewhere.look(setup.wanted, {}), { bytes: BYTES.byteLength, isHere: true });
});

test("workers that see one folder share it without copies", async (t) => {
  const setup = await setUp(t);
  const root = pathToFileURL(`${join(setup.folder, "shared")}/`);
  const stores = [createLocalFiles(), createLocalFiles()];
  t.after(() => Promise.all(stores.map((files) => files.close?.())));
  const [first, second] = await Promise.all(stores.map((files) => setup.cache({ files, root })));
  assert.ok(first && second);
  await Promise.all([
    first.take(setup.wanted, join(setup.folder, "1.tif"), {}),
    second.take(setup.wanted, join(setup.folder, "2.tif"), {}),
  ]);
  assert.deepEqual(new Uint8Array(await readFile(join(setup.folder, "2.tif"))), BYTES);
  assert.deepEqual(bodies(setup), ["all"]);
  const left = await readdir(new URL(root));
  assert.equal(left.length, 3, `the file, its note and what was seen: ${left}`);
});

test("goes on by range where the connection broke", async (t) => {
  const setup = await setUp(t);
  let breaks = 1;
  setup.server.habits = {
    intercept: (request, response) => {
      if (request.method !== "GET" || request.headers.range !== undefined || --breaks < 0) return false;
      cutOff(response, 100_000);
      return true;
    },
  };
  const { digest } = await (await setup.cache()).take(setup.wanted, join(setup.folder, "a.tif"), {});
  assert.equal(digest, `sha256:${createHash("sha256").update(BYTES).digest("hex")}`);
  assert.equal(bodies(setup).filter((range) => range !== "all").length, 1);
});

test("takes a server that knows no ranges", async (t) => {
  const setup = await setUp(t);
  let breaks = 1;
  setup.server.habits = {
    ignoresRange: true,
    intercept: (request, response) => {
      if (request.method !== "GET" || --breaks < 0) return false;
      cutOff(response, 100_000);
      return true;
    },
  };
  await (await setup.cache()).take(setup.wanted, join(setup.folder, "a.tif"), {});
  assert.deepEqual(new Uint8Array(await readFile(join(setup.folder, "a.tif"))), BYTES);
});

test("a later try goes on with what an aborted one has left", async (t) => {
  const setup = await setUp(t);
  const cache = await setup.cache();
  const large = new Uint8Array(9 * MiB).map((_, i) => i % 249);
  setup.server.files.set("a.tif", large);
  setup.server.habits = {
    intercept: (request, response) => {
      if (request.method !== "GET" || request.headers.range !== undefined) return false;
      response.writeHead(200, { etag: etagOf(large), "content-length": large.byteLength });
      response.write(large.subarray(0, 5 * MiB));
      return true;
    },
  };
  const path = join(setup.folder, "a.tif");
  const gaveUp = new AbortController();
  const progress = (): void => gaveUp.abort(new Error("enough"));
  await assert.rejects(cache.take(setup.wanted, path, { signal: gaveUp.signal, progress }), /enough/);
  await cache.take(setup.wanted, path, {});
  assert.deepEqual(new Uint8Array(await readFile(path)), large);
  const [, second] = bodies(setup);
  assert.match(second ?? "", /^bytes=[45]\d{6}-$/);
});

test("what is not as promised is refused and not kept", async (t) => {
  const setup = await setUp(t);
  const cache = await setup.cache();
  const path = join(setup.folder, "a.tif");
  await rejects(
    cache.take({ ...setup.wanted, checksum: `sha1:${"0".repeat(40)}` }, path, {}),
    "BadSource",
    /sha1:0000/,
  );
  await rejects(cache.take({ ...setup.wanted, size: 7 }, path, {}), "BadSource", /300000 bytes, not 7/);
  await rejects(cache.take({ url: new URL("b.tif", setup.server.url) }, path, {}), "BadSource", /not there/);
  assert.deepEqual(await readdir(setup.folder).then((names) => names.filter((name) => name === "a.tif")), []);
  const taken = await cache.take({ ...setup.wanted, checksum: SHA1 }, path, {});
  assert.equal(taken.bytes, BYTES.byteLength);
  assert.equal(await cache.version({ ...setup.wanted, checksum: SHA1 }, {}), SHA1);
});

test("a source that changes or goes while it is fetched is told of, and taken as it is then", async (t) => {
  const setup = await setUp(t);
  const cache = await setup.cache();
  const path = join(setup.folder, "a.tif");
  const other = BYTES.map((byte) => 255 - byte);
  setup.server.habits = {
    intercept: (request, response) => {
      if (request.method !== "GET") return false;
      setup.server.habits = {};
      setup.server.files.set("a.tif", other);
      cutOff(response, 100_000);
      return true;
    },
  };
  const before = await cache.version(setup.wanted, {});
  await rejects(cache.take(setup.wanted, path, {}), "Conflict", /changed/);
  await cache.take(setup.wanted, path, {});
  assert.notEqual(await cache.version(setup.wanted, {}), before);
  assert.deepEqual(new Uint8Array(await readFile(path)), other);

  setup.server.files.set("gone.tif", BYTES);
  setup.server.habits = {
    intercept: (request, response) => {
      if (request.method !== "GET") return false;
      setup.server.habits = {};
      setup.server.files.delete("gone.tif");
      cutOff(response, 1000);
      return true;
    },
  };
  await rejects(
    cache.take({ url: new URL("gone.tif", setup.server.url) }, path, {}),
    "BadSource",
    /not there any more/,
  );
});

test("leads nowhere but where it may", async (t) => {
  const setup = await setUp(t);
  setup.server.habits = {
    intercept: (_request, response) => {
      response.writeHead(302, { location: "http://192.0.2.1/a.tif" }).end();
      return true;
    },
  };
  const cache = await setup.cache();
  await rejects(cache.take(setup.wanted, join(setup.folder, "a.tif"), {}), "Denied");
  await rejects(cache.take({ url: new URL("http://192.0.2.1/b") }, join(setup.folder, "a.tif"), {}), "Denied");
});

test("a damaged copy in the store is fetched anew", async (t) => {
  const setup = await setUp(t);
  const files = createMemoryFiles();
  await (await setup.cache({ files })).take(setup.wanted, join(setup.folder, "1.tif"), {});
  for await (const { url, info } of files.list!(new URL("memory:///sources/"), { recursive: true })) {
    if (info?.size === BYTES.byteLength)
      await files.write!(
        url,
        BYTES.map((byte) => byte ^ 1),
      );
  }
  await (await setup.cache({ files })).take(setup.wanted, join(setup.folder, "2.tif"), {});
  assert.deepEqual(new Uint8Array(await readFile(join(setup.folder, "2.tif"))), BYTES);
  assert.deepEqual(bodies(setup), ["all", "all"]);
});

test("keeps to its limit: what was used last stays, and what is in use", async (t) => {
  const setup = await setUp(t);
  for (const name of ["b.tif", "c.tif"]) setup.server.files.set(name, BYTES.slice().fill(name.charCodeAt(0)));
  const files = createMemoryFiles();
  const cache = await setup.cache({ limit: 700_000, files });
  const path = join(setup.folder, "in-use.tif");
  const at = (name: string): { url: URL } => ({ url: new URL(name, setup.server.url) });
  await cache.take(at("a.tif"), path, {});
  for (const name of ["b.tif", "c.tif"]) {
    await cache.take(at(name), `${path}.2`, {});
    await rm(`${path}.2`);
  }
  const isHere = async (name: string): Promise<boolean> => (await cache.look(at(name), {})).isHere;
  assert.deepEqual([await isHere("a.tif"), await isHere("b.tif"), await isHere("c.tif")], [true, false, true]);
  setup.server.files.set("d.tif", new Uint8Array(700_001));
  await rejects(cache.take(at("d.tif"), `${path}.2`, {}), "TooLarge");
});

test("makes what is derived once, and again when its maker failed", async (t) => {
  const setup = await setUp(t);
  const cache = await setup.cache();
  let made = 0;
  const make = async (part: string): Promise<string> => {
    if (++made === 1) throw new Error("no luck");
    await writeFile(part, BYTES);
    return `sha256:${"a".repeat(64)}`;
  };
  const derived = { key: "x", bytes: BYTES.byteLength, make };
  await assert.rejects(cache.derive(derived, join(setup.folder, "1"), {}), /no luck/);
  for (const name of ["1", "2"]) await cache.derive(derived, join(setup.folder, name), {});
  assert.equal(made, 2);
  assert.deepEqual(new Uint8Array(await readFile(join(setup.folder, "2"))), BYTES);
});

test("workers of two machines share it through S3", { skip: s3.unavailable ?? false }, async (t) => {
  if (s3.unavailable !== undefined) return;
  const setup = await setUp(t);
  const { url: endpoint, credentials } = s3;
  const root = new URL("s3://archive/sources/");
  const connect = (): Promise<SourceCache> => setup.cache({ files: createS3Files({ endpoint, credentials }), root });
  const [first, second] = await Promise.all([connect(), connect()]);
  await Promise.all([
    first.take(setup.wanted, join(setup.folder, "1.tif"), {}),
    second.take(setup.wanted, join(setup.folder, "2.tif"), {}),
  ]);
  for (const name of ["1.tif", "2.tif"]) {
    assert.deepEqual(new Uint8Array(await readFile(join(setup.folder, name))), BYTES);
  }
  assert.deepEqual(bodies(setup), ["all"]);
});

test("a store that fails every eleventh time delays it, and never gives half of it", async (t) => {
  const setup = await setUp(t);
  const files = withFaults(createMemoryFiles(), 11);
  const path = join(setup.folder, "a.tif");
  let failures = 0;
  for (let done = 0; done < 5; ) {
    const cache = await setup.cache({ files, clock: new PassingClock() });
    const taken = await cache.take(setup.wanted, path, {}).catch((error: unknown) => {
      if (!isGyreError(error, "Busy")) throw error;
      assert.ok(++failures < 50);
    });
    if (taken === undefined) continue;
    done++;
    assert.deepEqual(new Uint8Array(await readFile(path)), BYTES);
  }
  assert.ok(failures > 0);
});
