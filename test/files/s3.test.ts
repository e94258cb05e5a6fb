import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { AwsV4Signer } from "aws4fetch";
import type { Files } from "../../src/files/files.ts";
import { createS3Files, type S3Options } from "../../src/files/s3.ts";
import { parseListing } from "../../src/files/s3-xml.ts";
import { startS3 } from "../services/services.ts";
import { rejects } from "./rejects.ts";
import { startStaticServer } from "./static-server.ts";

const PART = 5 * 1024 * 1024;
const service = await startS3("archive");
after(async () => {
  if (service.unavailable === undefined) await service.stop();
});

describe("s3, moto", { skip: service.unavailable ?? false }, () => {
  function connect(options: Partial<S3Options> = {}): Files {
    if (service.unavailable !== undefined) throw new Error(service.unavailable);
    return createS3Files({ endpoint: service.url, credentials: service.credentials, partBytes: PART, ...options });
  }

  async function uploadsUnderWay(): Promise<number> {
    if (service.unavailable !== undefined) throw new Error(service.unavailable);
    const url = new URL("archive?uploads=", service.url).href;
    const { headers } = await new AwsV4Signer({ ...service.credentials, url, service: "s3" }).sign();
    const text = await (await fetch(url, { headers })).text();
    assert.match(text, /ListMultipartUploadsResult/);
    return text.split("<Upload>").length - 1;
  }

  /** `bytes` bytes in pieces whose size fits no part. */
  function streamOf(bytes: number, fail = false): ReadableStream<Uint8Array> {
    return ReadableStream.from(
      (async function* () {
        for (let at = 0; at < bytes; at += 300_001) {
          yield new Uint8Array(Math.min(300_001, bytes - at)).fill((at / 300_001) % 251);
        }
        if (fail) throw new Error("broken pipe");
      })(),
    );
  }

  test("uploads a long stream in parts", async () => {
    const files = connect();
    const url = new URL("s3://archive/long");
    const size = 2 * PART + 12_345;
    const info = await files.write!(url, streamOf(size), { contentType: "application/x-netcdf" });
    assert.equal(info.size, size);
    assert.match(info.etag ?? "", /-3"$/);
    assert.deepEqual(
      [await files.head(url)].map((head) => [head?.size, head?.etag]),
      [[size, info.etag]],
    );
    const around = await files.read(url, { offset: PART - 2, length: 4 });
    assert.deepEqual([...around!], [17, 17, 17, 17]);
    assert.deepEqual([...(await files.read(url, { suffix: 1 }))!], [Math.floor((size - 1) / 300_001)]);
    await files.write!(url, streamOf(PART));
    assert.equal((await files.head(url))?.size, PART);
  });

  test("leaves no parts behind when the stream breaks or the condition fails", async () => {
    const files = connect();
    const url = new URL("s3://archive/broken");
    await assert.rejects(files.write!(url, streamOf(PART + 1, true)), /broken pipe/);
    assert.equal(await files.head(url), undefined);
    await files.write!(url, new Uint8Array(1));
    await rejects(files.write!(url, streamOf(PART + 1), { ifNoneMatch: "*" }), "Conflict");
    assert.equal((await files.head(url))?.size, 1);
    assert.equal(await uploadsUnderWay(), 0);
  });

  test("is refused with a wrong secret: the server checks signatures", async () => {
    if (service.unavailable !== undefined) return;
    const files = connect({ credentials: { ...service.credentials, secretAccessKey: "wrong" } });
    await rejects(files.read(new URL("s3://archive/x")), "BadSource", /refused \(403\)/);
    await rejects(files.write!(new URL("s3://archive/x"), new Uint8Array(1)), "BadSource", /refused \(403\)/);
  });

  test("an absent bucket holds nothing and takes nothing", async () => {
    const files = connect();
    assert.equal(await files.read(new URL("s3://no-such-bucket/x")), undefined);
    assert.deepEqual(await Array.fromAsync(files.list!(new URL("s3://no-such-bucket/"))), []);
    await rejects(files.write!(new URL("s3://no-such-bucket/x"), new Uint8Array(1)), "BadSource");
  });

  test("a bucket is no object", async () => {
    const files = connect();
    for (const address of ["s3://archive", "s3://archive/", "s3://archive/x/.."]) {
      await rejects(files.read(new URL(address)), "BadRequest");
      await rejects(files.write!(new URL(address), new Uint8Array(0)), "BadRequest");
      await rejects(files.delete!(new URL(address)), "BadRequest");
    }
    await rejects(files.read(new URL("http://archive/x")), "BadRequest");
    await rejects(files.read(new URL("s3://archive/a%2Fb")), "BadRequest");
  });
});

describe("s3 on the wire", () => {
  test("anonymous requests carry no signature; the bucket is in the path or in the host", async () => {
    const server = await startStaticServer();
    try {
      server.files.set("base/open-data/a b+c", new Uint8Array(3));
      const files = createS3Files({ endpoint: new URL("base/", server.url) });
      assert.equal((await files.read(new URL("s3://open-data/a b+c")))?.byteLength, 3);
      const [request] = server.requests;
      assert.equal(request?.path, "/base/open-data/a%20b%2Bc");
      assert.equal(request.headers.authorization, undefined);
      assert.equal(request.headers["accept-encoding"], "identity");

      const port = server.url.port;
      const virtual = createS3Files({ endpoint: new URL(`http://localhost:${port}`), pathStyle: false, retries: 0 });
      await virtual.read(new URL("s3://bucket/x")).catch(() => undefined);
      // Some systems resolve names below localhost, others do not: where it arrives, it has the right name.
      for (const { headers } of server.requests.slice(1)) assert.equal(headers.host, `bucket.localhost:${port}`);
    } finally {
      await server.close();
    }
  });

  test("names the region where the bucket lies", async () => {
    const server = await startStaticServer({
      intercept: (_, response) => !!response.writeHead(301, { "x-amz-bucket-region": "eu-west-1" }).end(),
    });
    try {
      const files = createS3Files({ endpoint: server.url });
      await rejects(files.read(new URL("s3://bucket/x")), "BadSource", /region eu-west-1, not us-east-1/);
    } finally {
      await server.close();
    }
  });
});

describe("s3 listings", () => {
  const folder = new URL("s3://b/p/");
  const listing = (body: string): string => `<?xml version="1.0"?><ListBucketResult>${body}</ListBucketResult>`;
  const keysIn = async (body: string): Promise<string[]> =>
    (await parseListing(folder, "p/", listing(body))).entries.map(({ url }) => url.href.slice(folder.href.length));

  test("keys come escaped for XML or for URLs", async () => {
    const keys = ["p/a&amp;b", "p/1.0", "p/007", "p/&#x41;&lt;"];
    assert.deepEqual(await keysIn(keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join("")), [
      "007",
      "1.0",
      "A%3C",
      "a&b",
    ]);
    const encoded = "<EncodingType>url</EncodingType><Contents><Key>p/a+b%2Bc%26amp%3B</Key></Contents>";
    assert.deepEqual(await keysIn(encoded), ["a%20b+c&amp;"]);
  });

  test("keys that are elsewhere, or no address can say, are left out", async () => {
    const keys = ["q/x", "p/", "p/../x", "p/./x", "p/a\\b", "p/mark/", "p/a//b", ""];
    assert.deepEqual(await keysIn(keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join("")), ["a//b"]);
  });

  test("broken and hostile documents are refused", async () => {
    const bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>';
    for (const text of [
      `${bomb}${listing("<Contents><Key>p/&b;</Key></Contents>")}`,
      "<html>",
      "",
      "no",
      "<a><b></a>",
    ]) {
      await rejects(parseListing(folder, "p/", text), "BadSource");
    }
    assert.deepEqual((await parseListing(folder, "p/", listing(""))).entries, []);
  });
});
