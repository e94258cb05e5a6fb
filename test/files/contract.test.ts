import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after } from "node:test";
import { pathToFileURL } from "node:url";
import { createFilesByPrefix } from "../../src/files/by-prefix.ts";
import type { Files } from "../../src/files/files.ts";
import { createHttpFiles } from "../../src/files/http.ts";
import { encodeKey } from "../../src/files/keys.ts";
import { createLocalFiles, type LocalOptions } from "../../src/files/local.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import { createS3Files } from "../../src/files/s3.ts";
import { createSwiftFiles } from "../../src/files/swift.ts";
import { withCoalescing } from "../../src/files/with-coalescing.ts";
import { withCounting } from "../../src/files/with-counting.ts";
import { withLatency } from "../../src/files/with-latency.ts";
import { withPageCache } from "../../src/files/with-page-cache.ts";
import { type FilesFixture, testFiles } from "../contract/files.ts";
import { startNginx, startS3 } from "../services/services.ts";
import { type Habits, startStaticServer } from "./static-server.ts";
import { SWIFT_USER, startSwiftServer } from "./swift-server.ts";

async function memory(): Promise<FilesFixture & { readonly files: Required<Pick<Files, "write">> & Files }> {
  const files = createMemoryFiles();
  const root = new URL("memory://store/root/");
  const { write } = files;
  if (write === undefined) throw new Error("memory files can be written");
  return { files: { ...files, write }, root, put: (key, bytes) => write(urlOf(root, key), bytes) };
}

async function folder(): Promise<{ readonly path: string; put(key: string, bytes: Uint8Array): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "gyre-files-"));
  await chmod(path, 0o755);
  return {
    path,
    // By a rename, as archives replace files.
    async put(key, bytes) {
      const target = join(path, key);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(`${path}.new`, bytes);
      await rename(`${path}.new`, target);
    },
  };
}

async function local(
  wrap: (files: Files, root: URL) => Files = (files) => files,
  options: LocalOptions = {},
): Promise<FilesFixture> {
  const { path, put } = await folder();
  const root = pathToFileURL(`${path}/`);
  const files = wrap(createLocalFiles({ handles: 3, ...options }), root);
  return { files, root, put, close: () => rm(path, { recursive: true }) };
}

async function http(habits?: Habits): Promise<FilesFixture> {
  const server = await startStaticServer(habits);
  return {
    files: createHttpFiles({ allow: [server.url] }),
    root: new URL("root/", server.url),
    put: async (key, bytes) => server.files.set(`root/${key}`, bytes.slice()),
    close: () => server.close(),
  };
}

function wrapped(wrap: (files: Files) => Files): () => Promise<FilesFixture> {
  return async () => {
    const fixture = await memory();
    return { ...fixture, files: wrap(fixture.files) };
  };
}

function urlOf(root: URL, key: string): URL {
  return new URL(encodeKey(key), root);
}

testFiles("memory", memory);
testFiles("local", () => local());
testFiles("local, alone", () => local(undefined, { isAlone: true }));
testFiles("by-prefix over local", () => local((files, prefix) => createFilesByPrefix([{ prefix, files, mode: "rw" }])));
testFiles(
  "page cache",
  wrapped((files) => withPageCache(files, { pageBytes: 64, maxBytes: 640 })),
);
testFiles(
  "coalescing",
  wrapped((files) => withCoalescing(files, { maxGap: 16, maxBytes: 128 })),
);
testFiles(
  "latency",
  wrapped((files) => withLatency(files, { ms: 0 })),
);
testFiles("counting", wrapped(withCounting));

const readOnly = { lacks: ["write", "delete"] } as const;
testFiles("http", () => http(), readOnly);
testFiles("http, server without ranges", () => http({ ignoresRange: true }), readOnly);
testFiles("http, server without entity tags", () => http({ etags: "none" }), readOnly);
testFiles("http, server with weak entity tags", () => http({ etags: "weak" }), readOnly);
testFiles("http, server without conditions", () => http({ ignoresConditions: true }), readOnly);
testFiles("http, server without HEAD", () => http({ refusesHead: true }), readOnly);
testFiles(
  "http, page cache and coalescing",
  async () => {
    const fixture = await http();
    return { ...fixture, files: withPageCache(withCoalescing(fixture.files), { pageBytes: 256 }) };
  },
  readOnly,
);

const archive = await folder();
const nginx = await startNginx(`location / { root ${archive.path}; autoindex on; }`);
after(async () => {
  if (nginx.unavailable === undefined) await nginx.stop();
  await rm(archive.path, { recursive: true });
});
testFiles(
  "http, nginx",
  async () => {
    if (nginx.unavailable !== undefined) throw new Error(nginx.unavailable);
    return { files: createHttpFiles({ allow: [nginx.url] }), root: nginx.url, put: archive.put };
  },
  { ...readOnly, unavailable: nginx.unavailable },
);

const s3 = await startS3("contract");
after(async () => {
  if (s3.unavailable === undefined) await s3.stop();
});
testFiles(
  "s3, moto",
  async () => {
    if (s3.unavailable !== undefined) throw new Error(s3.unavailable);
    const { url: endpoint, credentials } = s3;
    const files = createS3Files({ endpoint, credentials, pageSize: 3 });
    const root = new URL("s3://contract/root/");
    return { files, root, put: async (key, bytes) => files.write?.(urlOf(root, key), bytes) };
  },
  { unavailable: s3.unavailable },
);

testFiles("swift", async () => {
  const server = await startSwiftServer();
  const files = createSwiftFiles({
    authUrl: server.authUrl,
    identity: SWIFT_USER,
    project: "climate",
    region: "north",
    pageSize: 3,
  });
  const root = new URL("swift://data/root/");
  return {
    files,
    root,
    put: async (key, bytes) => files.write?.(urlOf(root, key), bytes),
    close: () => server.close(),
  };
});
