import assert from "node:assert/strict";
import { suite, test } from "node:test";

/** What a protocol is tried on: a node's answers, and addresses below its root with what they should come to. */
export interface ProtocolCases {
  readonly fetch: (request: Request) => Promise<Response>;
  /** The address under which `fetch` must write all links. */
  readonly base: string;
  /** Answered with 200 and a strong entity tag. */
  readonly entities: readonly string[];
  /** Answered with 200 as a stream of unknown length, without a tag. */
  readonly streams?: readonly string[];
  /** There is no such thing. */
  readonly missing: readonly string[];
  /** The request makes no sense: 400. */
  readonly bad: readonly string[];
  /** Media type of the protocol's error documents. */
  readonly errors?: string;
}

const SIGNS_OF_THE_INSIDE = /\bat \S+ \(|node:internal|file:\/\//;

/** What every protocol owes to HTTP and to its clients. */
export function testProtocol(name: string, make: () => Promise<ProtocolCases>): void {
  suite(`protocol contract: ${name}`, () => {
    const get = async (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> =>
      (await make()).fetch(new Request(`http://inside.test/${path}`, { method, headers }));

    test("every entity has a type, a strong tag and its length, and HEAD says the same without a body", async () => {
      for (const path of (await make()).entities) {
        const response = await get(path);
        const body = new Uint8Array(await response.arrayBuffer());
        assert.equal(response.status, 200, path);
        assert.match(response.headers.get("content-type") ?? "", /\/./, path);
        assert.match(response.headers.get("etag") ?? "", /^"[!#-~]+"$/, path);
        assert.equal(Number(response.headers.get("content-length")), body.byteLength, path);
        assert.ok(response.headers.has("cache-control"), path);
        assert.equal(response.headers.get("access-control-allow-origin"), "*", path);
        const head = await get(path, {}, "HEAD");
        assert.equal(head.status, 200, path);
        assert.equal((await head.arrayBuffer()).byteLength, 0, path);
        assert.deepEqual([...head.headers], [...response.headers], path);
      }
    });

    test("an entity is the same every time it is asked for", async () => {
      for (const path of (await make()).entities) {
        const [first, second] = [await get(path), await get(path)];
        assert.equal(first.headers.get("etag"), second.headers.get("etag"), path);
        assert.deepEqual(await first.bytes(), await second.bytes(), path);
      }
    });

    test("what the client has is not sent again", async () => {
      for (const path of (await make()).entities) {
        const tag = (await get(path)).headers.get("etag") as string;
        for (const condition of [tag, `"other", W/${tag}`, "*"]) {
          const response = await get(path, { "if-none-match": condition });
          assert.equal(response.status, 304, `${path} ${condition}`);
          assert.equal(response.headers.get("etag"), tag, path);
          assert.equal((await response.arrayBuffer()).byteLength, 0, path);
        }
        assert.equal((await get(path, { "if-none-match": '"other"' })).status, 200, path);
      }
    });

    test("one range is answered, ranges beyond the end and stale ones are not", async () => {
      for (const path of (await make()).entities) {
        const whole = await get(path);
        const body = await whole.bytes();
        if (whole.headers.get("accept-ranges") !== "bytes" || body.byteLength < 4) continue;
        const size = body.byteLength;
        for (const [range, first, last] of [
          ["bytes=1-2", 1, 2],
          ["bytes=2-", 2, size - 1],
          ["bytes=-3", size - 3, size - 1],
          [`bytes=0-${size + 5}`, 0, size - 1],
        ] as const) {
          const part = await get(path, { range });
          assert.equal(part.status, 206, `${path} ${range}`);
          assert.equal(part.headers.get("content-range"), `bytes ${first}-${last}/${size}`);
          assert.deepEqual(await part.bytes(), body.slice(first, last + 1), `${path} ${range}`);
        }
        const beyond = await get(path, { range: `bytes=${size}-` });
        assert.equal(beyond.status, 416, path);
        assert.equal(beyond.headers.get("content-range"), `bytes */${size}`);
        assert.equal((await get(path, { range: "bytes=0-0", "if-range": '"other"' })).status, 200, path);
        assert.equal((await get(path, { range: "chunks=0-1" })).status, 200, path);
      }
    });

    test("streams answer, and HEAD does without one", async () => {
      for (const path of (await make()).streams ?? []) {
        assert.equal((await get(path)).status, 200, path);
        const head = await get(path, {}, "HEAD");
        assert.equal(head.status, 200, path);
        assert.equal((await head.arrayBuffer()).byteLength, 0, path);
      }
    });

    test("what is not there is 404, what makes no sense is 400, in the protocol's own shape", async () => {
      const { missing, bad, errors = "application/problem+json" } = await make();
      for (const [paths, status] of [
        [missing, 404],
        [bad, 400],
      ] as const) {
        for (const path of paths) {
          const response = await get(path);
          const text = await response.text();
          assert.equal(response.status, status, `${path}: ${text}`);
          assert.equal(response.headers.get("content-type"), errors, path);
          assert.equal(response.headers.get("access-control-allow-origin"), "*", path);
          assert.doesNotMatch(text, SIGNS_OF_THE_INSIDE, path);
        }
      }
    });

    test("links are written from the node's public address", async () => {
      const { entities, streams = [], base } = await make();
      for (const path of [...entities, ...streams]) {
        const response = await get(path);
        if (!/^(?:text|application\/json)/.test(response.headers.get("content-type") ?? "")) continue;
        const text = await response.text();
        assert.ok(!text.includes("http://inside.test"), path);
        for (const [link] of text.matchAll(/href="(https?:[^"]*)"/g))
          assert.ok(link.includes(base), `${path}: ${link}`);
      }
    });
  });
}
