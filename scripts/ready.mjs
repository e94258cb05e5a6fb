// Makes a fresh clone ready. Plain JavaScript for any Node >= 18: it runs before the Node that the repository brings.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const mark = join(modules, ".gyre-installed");
const lock = join(root, ".gyre-installing");

const digest = createHash("sha256");
for (const name of ["package.json", "package-lock.json", "tools/node/package.json"]) {
  digest.update(readFileSync(join(root, name)));
}
const wanted = `${digest.digest("hex")} ${process.platform}-${process.arch}\n`;

if (installed() !== wanted) {
  enter();
  try {
    if (installed() !== wanted) install();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}
const node = spawnSync("node", ["--version"], {
  encoding: "utf8",
  shell: process.platform === "win32",
  env: {
    ...process.env,
    PATH: `${join(modules, ".bin")}${process.platform === "win32" ? ";" : ":"}${process.env.PATH}`,
  },
});
const version = String(node.stdout).trim();
console.log(`Gyre runs on Node ${version}`);
if (!(Number(version.slice(1).split(".")[0]) >= 24)) {
  console.error(
    "Gyre needs Node.js 24 or newer, and the registry has none for this platform: install it and try again.",
  );
  process.exit(2);
}

function installed() {
  try {
    return readFileSync(mark, "utf8");
  } catch {
    return undefined;
  }
}

/** Two commands started at once on a fresh clone must not install over each other. */
function enter() {
  for (;;) {
    try {
      mkdirSync(lock);
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      // It may be gone by now.
      const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
      if (Date.now() - since > 15 * 60_000) rmSync(lock, { recursive: true, force: true });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    }
  }
}

function install() {
  console.log("Installing what package-lock.json names ...");
  const npm = process.env.npm_execpath;
  const patience = ["--fetch-retries=4", "--fetch-timeout=60000"];
  const arguments_ = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", ...patience];
  const run = () =>
    npm?.endsWith(".js")
      ? spawnSync(process.execPath, [npm, ...arguments_], { cwd: root, stdio: "inherit" })
      : spawnSync("npm", arguments_, { cwd: root, stdio: "inherit", shell: process.platform === "win32" });
  // A registry that fails may be well again; what has come is kept and not fetched again.
  if (run().status !== 0 && run().status !== 0) {
    console.error("The packages could not be installed from the npm registry; see above.");
    process.exit(1);
  }
  writeFileSync(mark, wanted);
}
