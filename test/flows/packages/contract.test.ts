import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { pathToFileURL } from "node:url";
import { createLocalFiles } from "../../../src/files/local.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { createS3Files } from "../../../src/files/s3.ts";
import { testPackageStore } from "../../contract/package-store.ts";
import { startS3 } from "../../services/services.ts";

testPackageStore("memory", async () => ({ files: createMemoryFiles(), root: new URL("memory://store/packages/") }));

testPackageStore("folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gyre-packages-"));
  await chmod(folder, 0o755);
  const close = () => rm(folder, { recursive: true });
  return { files: createLocalFiles(), root: pathToFileURL(`${folder}/`), close };
});

const s3 = await startS3("packages");
after(async () => {
  if (s3.unavailable === undefined) await s3.stop();
});

testPackageStore(
  "s3, moto",
  async () => {
    if (s3.unavailable !== undefined) throw new Error(s3.unavailable);
    const files = createS3Files({ endpoint: s3.url, credentials: s3.credentials });
    return { files, root: new URL("s3://packages/some/prefix/") };
  },
  s3.unavailable,
);
