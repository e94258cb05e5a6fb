import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../src/config.ts";
import { forEachLimited } from "../../src/core/concurrency.ts";
import type { Files } from "../../src/files/files.ts";
import { createS3Files } from "../../src/files/s3.ts";
import { createSwiftFiles } from "../../src/files/swift.ts";
import { createNode, type Node } from "../../src/node.ts";
import { SWIFT_USER, startSwiftServer } from "../files/swift-server.ts";
import { startNginx, startPublicS3, startS3 } from "../services/services.ts";

const python = fileURLToPath(new URL("../../.peers/py/bin/python", import.meta.url));
const script = fileURLToPath(new URL("remote_archive.py", import.meta.url));
const skip = !existsSync(python) && "no .peers/py with the reference libraries";

/** Every dataset of the archive by its id, with the variable that has the field. */
const FIELDS: Readonly<Record<string, string>> = {
  classic: "tas",
  five: "band_data",
  four: "tas",
  loose: "tas",
  refs: "tas",
  "refs.parq": "tas",
  sharded: "tas",
  three: "tas",
  two: "tas",
};

/** Where the archive lies, and what `gyre.yaml` says of that place. */
interface Place {
  readonly source: string;
  readonly yaml: object;
  close(): Promise<void>;
}

type Unavailable = { readonly unavailable: string };

describe("a remote archive is served as the same files are from a disk", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "gyre-remote-"));
  const archive = join(folder, "archive");
  const four = join(archive, "four.nc");
  before(() => {
    mkdirSync(archive);
    execFileSync(python, [script, "make", archive], { stdio: ["ignore", "ignore", "inherit"] });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** The archive with references that lead to the NetCDF file below `base`. */
  function archiveAt(name: string, base: string): string {
    const copy = join(folder, name);
    cpSync(archive, copy, { recursive: true });
    execFileSync(python, [script, "refer", four, `${base}four.nc`, copy], { stdio: ["ignore", "ignore", "inherit"] });
    return copy;
  }

  async function serve(t: TestContext, name: string, source: string, yaml: object): Promise<Node> {
    const config = {
      database: "none",
      sources: [source],
      dataDir: join(folder, `data-${name}`),
      rescanSeconds: 0,
      ...yaml,
    };
    const node = await createNode(loadConfig(JSON.stringify(config)), { folder });
    t.after(() => node.close());
    await node.scan();
    return node;
  }

  const PLACES: Readonly<Record<string, () => Promise<Place | Unavailable>>> = {
    async http() {
      const root = join(folder, "www");
      const nginx = await startNginx(`location / { root ${root}; autoindex on; }`);
      if (nginx.unavailable !== undefined) return nginx;
      const source = `${nginx.url}sub%20folder/`;
      archiveAt("www/sub folder", source);
      return { source, yaml: {}, close: () => nginx.stop() };
    },
    "s3, signed": () => s3("signed"),
    "s3, anonymous": () => s3("anonymous"),
    async swift() {
      const server = await startSwiftServer();
      const { authUrl } = server;
      const { user, password } = SWIFT_USER;
      const identity = { project: "climate", region: "north" };
      const source = "swift://data/a/";
      await upload(
        archiveAt("container", source),
        createSwiftFiles({ authUrl, identity: SWIFT_USER, ...identity }),
        new URL(source),
      );
      const yaml = { swift: { data: { authUrl: authUrl.href, username: user, password, ...identity } } };
      return { source, yaml, close: () => server.close() };
    },
  };

  async function s3(kind: "signed" | "anonymous"): Promise<Place | Unavailable> {
    const moto = await (kind === "signed" ? startS3 : startPublicS3)("archive");
    if (moto.unavailable !== undefined) return moto;
    const source = "s3://archive/below/";
    const { url: endpoint, credentials } = moto;
    const files = createS3Files({ endpoint, credentials });
    await upload(archiveAt(`bucket-${kind}`, source), files, new URL(source));
    const access = kind === "signed" ? credentials : { anonymous: true };
    return { source, yaml: { s3: { archive: { endpoint: endpoint.href, ...access } } }, close: () => moto.stop() };
  }

  for (const [name, place] of Object.entries(PLACES)) {
    test(name, async (t) => {
      const found = await place();
      if ("unavailable" in found) return t.skip(found.unavailable);
      t.after(() => found.close());
      const label = name.replaceAll(/\W+/g, "-");
      const local = archiveAt(label, `file://${join(folder, label)}/`);
      const [here, there] = await Promise.all([
        serve(t, `here-${label}`, local, {}),
        serve(t, `there-${label}`, found.source, found.yaml),
      ]);
      assert.deepEqual(await problems(there), []);
      assert.deepEqual(await json(there, "datasets"), Object.keys(FIELDS));
      for (const [id, variable] of Object.entries(FIELDS)) await assertSame(here, there, id, variable);
    });
  }
});

/** Metadata and all chunks, stored and computed, are those of the other node. */
async function assertSame(here: Node, there: Node, id: string, variable: string): Promise<void> {
  for (const form of ["kerchunk", "zarr"]) {
    const document = `datasets/${id}/${form}/${variable}/.zarray`;
    const { shape, chunks } = await json<{ shape: number[]; chunks: number[] }>(here, document);
    assert.deepEqual(await json(there, document), await json(here, document), document);
    const grid = shape.map((n, i) => Math.ceil(n / chunks[i]!));
    await forEachLimited(indices(grid), 8, async (index) => {
      const key = `datasets/${id}/${form}/${variable}/${index.join(".")}`;
      const [wanted, found] = await Promise.all([get(here, key), get(there, key)]);
      assert.equal(found.status, wanted.status, key);
      assert.equal(found.headers.get("gyre-source"), wanted.headers.get("gyre-source"), key);
      if (wanted.status === 200) assert.ok(Buffer.from(await found.arrayBuffer()).equals(await bytes(wanted)), key);
      else assert.equal(wanted.status, 404, key);
    });
  }
}

function* indices(grid: readonly number[]): Generator<number[]> {
  const [first, ...rest] = grid;
  if (first === undefined) return yield [];
  for (let i = 0; i < first; i++) for (const tail of indices(rest)) yield [i, ...tail];
}

function get(node: Node, path: string): Promise<Response> {
  return node.fetch(new Request(`http://node.test/${path}`, { headers: { Accept: "application/json" } }));
}

async function bytes(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

async function json<T>(node: Node, path: string): Promise<T> {
  const response = await get(node, path);
  assert.equal(response.status, 200, path);
  return (await response.json()) as T;
}

async function problems(node: Node): Promise<unknown> {
  return (await json<{ problems: unknown }>(node, "problems")).problems;
}

async function upload(folder: string, files: Files, root: URL): Promise<void> {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const path = join(folder, name);
    if (!statSync(path).isFile()) continue;
    await files.write?.(new URL(relative(folder, path), root), readFileSync(path));
  }
}
