import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

// `npm run demo`: writes a small archive and serves it at 127.0.0.1:9010 (or GYRE_DEMO_PORT), until Ctrl-C.
const HOME = join(import.meta.dirname, "../.gyre/demo");
const { GYRE_DEMO_PORT: PORT = "9010", ...others } = process.env;
const GYRE = join(import.meta.dirname, "../bin/gyre.ts");
/** What is set for another node is not meant for this one. */
const ENV = Object.fromEntries(Object.entries(others).filter(([name]) => !name.startsWith("GYRE_")));

let running: ChildProcess | undefined;
let isStopped = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // A terminal interrupts the child as well, and a second interrupt would end it at once: it is told in another way.
    if (!isStopped) running?.kill("SIGTERM");
    isStopped = true;
  });
}

mkdirSync(join(HOME, "archive"), { recursive: true });
for (const [format, count] of [
  ["netcdf", "6"],
  ["zarr", "2"],
  ["cog", "1"],
] as const) {
  if (!isStopped) await make(format, count);
}
process.exitCode = isStopped ? 0 : await serve();

/** Writes a part of the archive beside its place and moves it there whole: what is there is never half of it. */
async function make(format: string, count: string): Promise<void> {
  const out = join(HOME, "archive", format);
  if (existsSync(out)) return;
  const part = mkdtempSync(join(HOME, `${format}-`));
  try {
    console.log(`Writing ${count} synthetic datasets as ${format} to ${relative(process.cwd(), out)} ...`);
    const child = start(["generate", count, "--format", format, "--out", join(part, "made")]);
    child.stdout.resume();
    const code = await finished(child);
    if (isStopped) return;
    if (code !== 0) throw new Error(`the ${format} archive could not be written`);
    // Another demo may have been faster; what it wrote is the same.
    if (!existsSync(out)) renameSync(join(part, "made"), out);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

async function serve(): Promise<number> {
  const data = join(HOME, `data-${PORT}`);
  const node = start(["serve", join(HOME, "archive"), "--port", PORT, "--data-dir", data, "--json"]);
  const ended = finished(node);
  let isListening = false;
  for await (const line of createInterface({ input: node.stdout })) {
    const { event, url, seen, isDone } = JSON.parse(line) as Event;
    if (event === "listening") isListening = true;
    if (event === "scan" && isDone) console.log(`${seen} files seen`);
    if (event === "ready") await show(new URL(url as string));
  }
  const code = await ended;
  if (!isListening && !isStopped) console.error("Another port: GYRE_DEMO_PORT=9011 npm run demo");
  return code;
}

interface Event {
  readonly event: string;
  readonly url?: string;
  readonly seen?: number;
  readonly isDone?: boolean;
}

async function show(base: URL): Promise<void> {
  const ids = (await (await fetch(new URL("datasets", base))).json()) as string[];
  const cubes = ids.filter((id) => id.startsWith("CMIP6."));
  const id = cubes.find((name) => name.includes(".tas.")) ?? cubes[0] ?? ids[0];
  const at = new URL(`datasets/${id}`, base).href;
  console.log(`
Gyre serves ${ids.length} datasets (${cubes.length} of them made of several files) at ${base.href}

  datasets     ${new URL("datasets", base).href}
  a page       ${at}/
  as stored    ${at}/kerchunk
  computed     ${at}/zarr
  a view       ${at}/zarr@bbox=-10~35~30~60
  references   ${at}/kerchunk.json

Try it:
  python3 -c 'import xarray as xr; print(xr.open_zarr("${at}/kerchunk"))'
  gdalinfo 'ZARR:"/vsicurl/${at}/zarr"'
  curl ${at}/info

Ctrl-C stops it.`);
}

/** Runs Gyre in the archive's folder, where no gyre.yaml of somebody else lies. */
function start(args: readonly string[]): ChildProcessByStdio<null, Readable, null> {
  const child = spawn(process.execPath, [GYRE, ...args], { cwd: HOME, env: ENV, stdio: ["ignore", "pipe", "inherit"] });
  running = child;
  return child;
}

function finished(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => child.on("exit", (code) => resolve(code ?? 1)));
}
