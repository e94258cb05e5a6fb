import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

/** The blocks of a guide that name a file in their first line, by that name. */
export function filesOf(guide: string): Map<string, string> {
  const text = readFileSync(join(REPOSITORY, "docs/guides", guide), "utf8");
  const blocks = text.matchAll(/```(?:ts|yaml)\n(?:\/\/|#) (\S+)\n(.*?)```/gs);
  return new Map([...blocks].map(([, name, content]) => [name as string, content as string]));
}

/** A folder outside the repository with these files, where `gyre` is installed; it goes when the test ends. */
export function installed(t: TestContext, files: ReadonlyMap<string, string | Uint8Array>): string {
  const folder = mkdtempSync(join(tmpdir(), "gyre-guide-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const gyre = join(folder, "node_modules/gyre");
  mkdirSync(gyre, { recursive: true });
  // The package as it is published points to dist/; here it points to the source.
  const exports = { ".": "./src/index.ts", "./testing": "./test/contract/index.ts" };
  writeFileSync(join(gyre, "package.json"), JSON.stringify({ name: "gyre", type: "module", exports }));
  for (const name of ["src", "test"]) symlinkSync(join(REPOSITORY, name), join(gyre, name));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  for (const [name, content] of files) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** Runs a test file as its author would; answers what it says when it fails. */
export function failureOf(folder: string, file: string): string | undefined {
  // The runner above must not be taken for this one's.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--test", file], {
    cwd: folder,
    env,
    encoding: "utf8",
  });
  const ran = Number(/(?:ℹ|#) pass (\d+)/.exec(stdout)?.[1] ?? 0);
  return status === 0 && ran > 0 ? undefined : stdout + stderr;
}

/** What the compiler that checks Gyre says of the TypeScript in a folder; nothing when it is right. */
export function typeErrorsOf(folder: string): string {
  const options = JSON.parse(readFileSync(join(REPOSITORY, "tsconfig.json"), "utf8")) as { compilerOptions: object };
  const typeRoots = [join(REPOSITORY, "node_modules/@types")];
  const config = {
    compilerOptions: { ...options.compilerOptions, typeRoots },
    include: ["*.ts", join(REPOSITORY, "src/**/*.d.ts")],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(REPOSITORY, "node_modules/typescript/bin/tsc");
  const { stdout } = spawnSync(process.execPath, [tsc, "-p", ".", "--pretty", "false"], {
    cwd: folder,
    encoding: "utf8",
  });
  // Gyre's own source is checked elsewhere.
  const own = stdout.split("\n").filter((line) => /^(?!\.\.\/)\S+\(\d+,\d+\): /.test(line));
  return own.join("\n");
}
