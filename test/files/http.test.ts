import assert from "node:assert/strict";
import dns from "node:dns";
import type { ServerResponse } from "node:http";
import { after, afterEach, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { ErrorTag } from "../../src/errors.ts";
import type { Files } from "../../src/files/files.ts";
import { createHttpFiles, type HttpOptions } from "../../src/files/http.ts";
import { EagerClock, ManualClock } from "./clock.ts";
import { rejects } from "./rejects.ts";
import { type StaticServer, startStaticServer } from "./static-server.ts";

const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

describe("http", () => {
  let server: StaticServer;
  let other: StaticServer;
  before(async () => {
    server = await startStaticServer();
    other = await startStaticServer();
    for (const { files } of [server, other]) files.set("data/x", BYTES);
  });
  afterEach(() => {
    for (const each of [server, other]) {
      each.habits = {};
      each.requests.length = 0;
    }
  });
  after(() => Promise.all([server.close(), other.close()]));

  const filesOf = (options: Partial<HttpOptions> = {}): Files => createHttpFiles({ allow: [server.url], ...options });
  const at = (path: string): URL => new URL(path, server.url);

  /** The first answers are these, then the files'. */
  function answerFirst(...answers: readonly ((response: ServerResponse) => unknown)[]): void {
    const left = [...answers];
    server.habits = {
      intercept(_, response) {
        const next = left.shift();
        next?.(response);
        return next !== undefined;
      },
    };
  }

  /** The next request, which the test answers itself. */
  function nextRequest(): Promise<ServerResponse> {
    return new Promise((resolve) => {
      server.habits = {
        intercept(_, response) {
          resolve(response);
          return true;
        },
      };
    });
  }

  test("tries again after 429 and 5xx, with growing pauses", async () => {
    const clock = new EagerClock();
    answerFirst(...[429, 500, 503].map((status) => (response: ServerResponse) => response.writeHead(status).end("no")));
    const bytes = await filesOf({ clock, timeoutMs: clock.timeoutMs }).read(at("data/x"), { offset: 1, length: 2 });
    assert.deepEqual([...bytes!], [1, 2]);
    assert.deepEqual(clock.pauses, [125, 250, 500]);
  });

  test("waits as long as Retry-After says, in seconds or by date", async () => {
    const clock = new EagerClock();
    const date = new Date(7000).toUTCString();
    answerFirst(
      (response) => response.writeHead(503, { "retry-after": "3" }).end(),
      (response) => response.writeHead(503, { "retry-after": date }).end(),
    );
    await filesOf({ clock, timeoutMs: clock.timeoutMs }).head(at("data/x"));
    assert.deepEqual(clock.pauses, [3000, 7000]);
  });

  test("gives up after so many attempts, or at once when it should come back much later", async () => {
    const clock = new EagerClock();
    const files = filesOf({ clock, timeoutMs: clock.timeoutMs, retries: 2 });
    server.habits = { intercept: (_, response) => !!response.writeHead(503).end() };
    await rejects(files.read(at("data/x")), "Busy", /503/);
    assert.equal(server.requests.length, 3);
    server.habits = { intercept: (_, response) => !!response.writeHead(503, { "retry-after": "10800" }).end() };
    const error = await rejects(files.read(at("data/x")), "Busy", /503/);
    assert.equal(error.details.retryAfter, 10800);
    assert.equal(server.requests.length, 4);
  });

  test("tries again when the connection breaks, before an answer and within one", async () => {
    const clock = new EagerClock();
    answerFirst(
      (response) => response.destroy(),
      (response) => {
        response.writeHead(206, { "content-range": "bytes 0-999/1000", "content-length": 1000 });
        response.write(BYTES.subarray(0, 10), () => response.destroy());
      },
    );
    const bytes = await filesOf({ clock, timeoutMs: clock.timeoutMs }).read(at("data/x"), { offset: 0, length: 1000 });
    assert.deepEqual([...bytes!], [...BYTES]);
    assert.equal(clock.pauses.length, 2);
  });

  test("a silent server is given up, a slow one is not", async () => {
    const clock = new ManualClock();
    const files = filesOf({ clock, timeoutMs: 1000, retries: 0 });
    const silent = files.read(at("data/x"));
    const rejected = rejects(silent, "Busy", /no answer for 1000 ms/);
    await nextRequest();
    clock.advance(1000);
    await rejected;

    const slow = files.read(at("data/x"));
    const response = await nextRequest();
    clock.advance(900);
    const noticed = clock.nextLook();
    response.writeHead(200, { "content-length": 2 });
    response.write("a");
    await noticed;
    clock.advance(900);
    response.end("b");
    assert.equal((await slow)?.byteLength, 2);
  });

  test("whoever waits for a silent server waits once", async () => {
    const clock = new ManualClock();
    const rejected = rejects(filesOf({ clock, timeoutMs: 1000 }).head(at("data/x")), "Busy", /no answer for 1000 ms/);
    await nextRequest();
    clock.advance(1000);
    await rejected;
    assert.equal(server.requests.length, 1);
  });

  test("does not try again what will not change", async () => {
    const statuses: readonly [number, ErrorTag][] = [
      [400, "BadSource"],
      [401, "BadSource"],
      [403, "BadSource"],
      [501, "BadSource"],
    ];
    for (const [status, tag] of statuses) {
      server.requests.length = 0;
      server.habits = { intercept: (_, response) => !!response.writeHead(status).end() };
      await rejects(filesOf().read(at("data/x")), tag, new RegExp(String(status)));
      assert.equal(server.requests.length, 1);
    }
    server.habits = { intercept: (_, response) => !!response.writeHead(410).end() };
    assert.equal(await filesOf().read(at("data/x")), undefined);
  });

  test("does not try again where there is no such host", async (t) => {
    // Not the name server of this machine, which may be away.
    const absent = t.mock.method(dns, "lookup", (_: string, __: object, told: (error: Error) => void) =>
      told(Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" })),
    );
    const url = new URL("http://nowhere.invalid/x");
    await rejects(createHttpFiles({ allow: [url] }).read(url), "BadSource");
    assert.equal(absent.mock.callCount(), 1);
  });

  test("reads nothing outside the allowed prefixes, by whole segments", async () => {
    const files = filesOf({ allow: [at("data")] });
    assert.equal((await files.read(at("data/x")))?.byteLength, 1000);
    server.requests.length = 0;
    const outside = [
      "database",
      "dat",
      "",
      "data/../secret",
      "data/%2e%2e/secret",
      "data/..%2fsecret",
      "data%5c..%5cx",
    ];
    for (const path of outside) {
      const error = await rejects(files.read(at(path)), "Denied");
      assert.deepEqual(error.details.allowed, [at("data").href]);
    }
    await rejects(files.read(new URL("data/x", other.url)), "Denied");
    await rejects(files.read(new URL(at("data/x").href.replace("//", "//me:secret@"))), "Denied");
    await rejects(files.read(new URL("file:///data/x")), "Denied");
    assert.equal(server.requests.length + other.requests.length, 0);
  });

  test("follows redirects inside the allowed prefixes only", async () => {
    const redirect = (to: string) => ({
      intercept: ({ url }: { url?: string }, response: ServerResponse) =>
        url === "/data/old" && !!response.writeHead(302, { location: to }).end("elsewhere"),
    });
    server.habits = redirect("x");
    assert.equal((await filesOf().read(at("data/old"), { offset: 0, length: 9 }))?.byteLength, 9);
    server.habits = redirect(new URL("data/x", other.url).href);
    await rejects(filesOf().read(at("data/old")), "Denied");
    assert.equal(other.requests.length, 0);
    assert.equal((await filesOf({ allow: [server.url, other.url] }).head(at("data/old")))?.size, 1000);
    server.habits = redirect("old");
    await rejects(filesOf().read(at("data/old")), "BadSource", /redirects/);
    server.habits = redirect("file:///etc/passwd");
    await rejects(filesOf().read(at("data/old")), "Denied");
  });

  test("credentials go to their prefix and nowhere else", async () => {
    server.habits = {
      intercept: ({ url }, response) =>
        url === "/data/old" && !!response.writeHead(307, { location: new URL("data/x", other.url).href }).end(),
    };
    const files = filesOf({
      allow: [server.url, other.url],
      headers: [{ prefix: at("data/"), headers: { authorization: "Bearer secret" } }],
    });
    await files.read(at("data/old"));
    await files.head(at("elsewhere"));
    assert.deepEqual(
      [...server.requests, ...other.requests].map(({ path, headers }) => [path, headers.authorization]),
      [
        ["/data/old", "Bearer secret"],
        ["/elsewhere", undefined],
        ["/data/x", undefined],
      ],
    );
  });

  test("stops reading when a server without ranges has sent enough", async () => {
    const closed = Promise.withResolvers<void>();
    server.habits = {
      intercept(_, response) {
        response.on("close", closed.resolve);
        const more = (): void => {
          while (!response.destroyed && response.write(BYTES));
        };
        response.writeHead(200).on("drain", more);
        more();
        return true;
      },
    };
    const bytes = await filesOf().read(at("endless"), { offset: 998, length: 4 });
    assert.deepEqual([...bytes!], [...BYTES.subarray(998), ...BYTES.subarray(0, 2)]);
    await closed.promise;
    await rejects(filesOf({ maxBytes: 5000 }).read(at("endless")), "TooLarge");
    await rejects(filesOf({ maxBytes: 5000 }).read(at("endless"), { offset: 5000, length: 1 }), "TooLarge");
    await rejects(filesOf({ maxBytes: 500 }).read(at("endless"), { suffix: 1 }), "TooLarge");
  });

  test("refuses answers that are not what was asked for", async () => {
    const range = { offset: 10, length: 5 };
    const answers: readonly [string, Record<string, string>, RegExp][] = [
      ["12345", { "content-range": "bytes 11-15/1000" }, /not those asked for/],
      ["123", { "content-range": "bytes 10-12/1000" }, /not those asked for/],
      ["12345678", { "content-range": "bytes 10-17/1000" }, /not those asked for/],
      ["12345", { "content-range": "bytes 10-14/9" }, /not those asked for/],
      ["12345", { "content-type": "multipart/byteranges; boundary=x" }, /unasked/],
      ["123", { "content-range": "bytes 10-14/1000", "transfer-encoding": "chunked" }, /3 bytes only/],
    ];
    for (const [body, headers, reason] of answers) {
      answerFirst((response) => response.writeHead(206, headers).end(body));
      await rejects(filesOf().read(at("data/x"), range), "BadSource", reason);
    }
    answerFirst((response) => response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(BYTES)));
    await rejects(filesOf().read(at("data/x")), "BadSource", /Content-Encoding gzip/);
  });

  test("an abort ends a request, and a pause", async () => {
    const controller = new AbortController();
    const asked = nextRequest();
    const reading = assert.rejects(filesOf().read(at("data/x"), undefined, controller), /enough/);
    await asked;
    controller.abort(new Error("enough"));
    await reading;

    const clock = new ManualClock();
    const pausing = new AbortController();
    const paused = assert.rejects(filesOf({ clock }).read(at("data/x"), undefined, pausing), /enough/);
    const response = await nextRequest();
    const retryMs = clock.nextWait((ms) => ms === 20_000);
    response.writeHead(503, { "retry-after": "20" }).end();
    await retryMs;
    pausing.abort(new Error("enough"));
    await paused;
  });

  test("never opens more connections than allowed", async () => {
    const held: ServerResponse[] = [];
    let most = 0;
    const files = filesOf({ connections: 3 });
    server.habits = {
      intercept(_, response) {
        most = Math.max(most, held.push(response));
        // A fourth would come before the answer to this question does.
        if (held.length === 3) {
          void fetch(new URL("data/x", other.url)).then(() => {
            for (const each of held.splice(0)) each.writeHead(404).end();
          });
        }
        return true;
      },
    };
    await Promise.all(Array.from({ length: 21 }, (_, i) => files.read(at("data/x"), { offset: i, length: 1 })));
    assert.equal(most, 3);
  });

  test("lists the direct children that an index page links to, whatever else it says", async () => {
    const page = `<!DOCTYPE html><table><tr><th><a href="?C=N;O=D">Name</a></th></tr>
      <a href="/data/">Parent Directory</a><a class="x" href='b%20c.nc'>b c.nc</a><A HREF="a&amp;b.nc">a</A>
      <a href="sub/">sub/</a><a href="./dot.nc">.</a><a href="/data/in/abs.nc">abs</a><a href="abs.nc#top">again</a>
      <a href="../../secret">up</a><a href="deep/er.nc">deep</a><a href="//evil.example/data/in/x">evil</a>
      <a href="javascript:alert(1)">js</a><a href="x%2fy">slash</a><a href="b%20c.nc">twice</a><a name="x">none</a>`;
    server.habits = {
      intercept: ({ url }, response) =>
        url === "/data/in/" && !!response.writeHead(200, { "content-type": "text/html;charset=UTF-8" }).end(page),
    };
    const { list } = filesOf();
    const entries = await Array.fromAsync(list!(at("data/in/")));
    const names = entries.map(({ url }) => url.href.slice(at("data/in/").href.length));
    assert.deepEqual(names, ["a&b.nc", "abs.nc", "b%20c.nc", "dot.nc", "sub/"]);
  });

  test("a page made to be slow is read like any other", async () => {
    const page = `${"<a ".repeat(500_000)}${'<a href="'.repeat(200_000)}<a href="x">`;
    server.habits = {
      intercept: (_, response) => !!response.writeHead(200, { "content-type": "text/html" }).end(page),
    };
    const entries = await Array.fromAsync(filesOf().list!(at("data/in/")));
    assert.deepEqual(
      entries.map(({ url }) => url.href),
      [at("data/in/x").href],
    );
  });

  test("keeps its connections, whatever the answers were", async () => {
    const sockets = new Set<unknown>();
    const fresh = await startStaticServer({
      intercept({ socket }) {
        sockets.add(socket);
        return false;
      },
    });
    try {
      fresh.files.set("x", BYTES);
      const files = createHttpFiles({ allow: [fresh.url] });
      const x = new URL("x", fresh.url);
      for (let i = 0; i < 3; i++) {
        await files.read(new URL("absent", fresh.url));
        await files.read(x, { offset: 5, length: 5 });
        await files.read(x, { offset: 5000, length: 5 });
        await rejects(files.read(x, undefined, { ifMatch: '"other"' }), "Conflict");
      }
      // fetch takes turns between a few idle connections, and gives one up after each HEAD, which is not asked here.
      assert.ok(sockets.size <= 3, `${sockets.size} connections for 12 requests`);
    } finally {
      await fresh.close();
    }
  });
});
