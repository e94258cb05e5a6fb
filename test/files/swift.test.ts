import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import type { Files } from "../../src/files/files.ts";
import { createSwiftFiles, type SwiftOptions } from "../../src/files/swift.ts";
import { rejects } from "./rejects.ts";
import { SWIFT_TOKEN, SWIFT_USER, type SwiftServer, startSwiftServer } from "./swift-server.ts";

describe("swift", () => {
  const X = new URL("swift://data/x");
  let server: SwiftServer;
  before(async () => {
    server = await startSwiftServer();
    await connect().write!(X, new Uint8Array(10));
  });
  beforeEach(() => {
    server.tokens.length = 0;
    server.requests.length = 0;
  });
  after(() => server.close());

  function connect(options: Partial<SwiftOptions> = {}): Files {
    const { authUrl } = server;
    return createSwiftFiles({ authUrl, identity: SWIFT_USER, project: "climate", region: "north", ...options });
  }

  test("readers share one token", async () => {
    const files = connect();
    await Promise.all([0, 1, 2, 3].map((offset) => files.read(X, { offset, length: 1 })));
    assert.equal(server.tokens.length, 1);
    assert.equal(server.requests.length, 5);
  });

  test("gets a new token when the old one has run out", async () => {
    const files = connect();
    await files.head(X);
    server.expire();
    const heads = await Promise.all([1, 2, 3].map(() => files.head(X)));
    assert.deepEqual(
      heads.map((info) => info?.size),
      [10, 10, 10],
    );
    assert.equal(server.tokens.length, 2);
    server.expire();
    assert.equal((await Array.fromAsync(files.list!(new URL("swift://data/")))).length, 1);
    server.expire();
    assert.equal((await files.write!(new URL("swift://data/y"), ReadableStream.from([new Uint8Array(4)]))).size, 4);
    await files.delete!(new URL("swift://data/y"));
    assert.equal(server.tokens.length, 4);
  });

  test("a token can stand for a user", async () => {
    assert.equal((await connect({ identity: { token: SWIFT_TOKEN } }).head(X))?.size, 10);
  });

  test("asks again after a refusal", async () => {
    const options = { identity: { ...SWIFT_USER, password: "wrong" } };
    const files = connect(options);
    await rejects(files.head(X), "BadSource", /gave no token \(401\)/);
    await rejects(files.head(X), "BadSource", /gave no token \(401\)/);
    assert.equal(server.requests.length, 2);
    await rejects(connect({ project: "other" }).head(X), "BadSource", /gave no token/);
  });

  test("takes the store of the region, and names the regions there are", async () => {
    await connect().head(X);
    assert.equal(server.requests.at(-1)?.path, "/v1/AUTH_climate/data/x");
    assert.equal(await connect({ region: "south" }).head(X), undefined);
    assert.equal(server.requests.at(-1)?.path, "/v1/AUTH_of_another_region/data/x");
    const { region: _, ...unplaced } = {
      authUrl: server.authUrl,
      identity: SWIFT_USER,
      project: "climate",
      region: "",
    };
    await rejects(createSwiftFiles(unplaced).head(X), "BadSource", /more than one object store .*south, north/);
    await rejects(connect({ region: "west" }).head(X), "BadSource", /no object store for region west.*south, north/);
  });

  test("a container is no object", async () => {
    const files = connect();
    for (const address of ["swift://data", "swift://data/", "swift://data/x/.."]) {
      await rejects(files.read(new URL(address)), "BadRequest");
      await rejects(files.write!(new URL(address), new Uint8Array(0)), "BadRequest");
      await rejects(files.delete!(new URL(address)), "BadRequest");
    }
    await rejects(files.read(new URL("swift://data/a%2Fb")), "BadRequest");
    assert.equal(server.requests.length, 0);
  });

  test("an absent container holds nothing", async () => {
    const files = connect();
    assert.equal(await files.read(new URL("swift://absent/x")), undefined);
    assert.deepEqual(await Array.fromAsync(files.list!(new URL("swift://absent/"))), []);
  });
});
