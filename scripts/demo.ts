import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "../src/client/index.ts";

// `npm run demo`: writes a small archive, starts the playground's three nodes at 127.0.0.1:9010 (or GYRE_DEMO_PORT),
// publishes records and the archive at the first, shows what the others make of it, and has a data package made of a
// country. Until Ctrl-C.
const HOME = join(import.meta.dirname, "../.gyre/demo");
const { GYRE_DEMO_PORT: PORT = "9010", ...others } = process.env;
const GYRE = join(import.meta.dirname, "../bin/gyre.ts");
/** What is set for another node is not meant for this one. */
const ENV = Object.fromEntries(Object.entries(others).filter(([name]) => !name.startsWith("GYRE_")));

/** What east puts into packages besides: a dataset of the archive. */
const TEMPERATURE = {
  dataset: "surface_temperature",
  version: "gyre_esm1",
  description: "Monthly surface air temperature, synthetic",
  license: { name: "CC0-1.0", path: "https://creativecommons.org/publicdomain/zero/1.0/", title: "CC0 1.0" },
  source: { dataset: "CMIP6.CMIP.GYRE.GYRE-ESM1.historical.r1i1p1f1.Amon.tas.gn.v20250101", variables: ["tas"] },
  allTouched: true,
  format: "NetCDF",
  statistics: "csv",
};
const COUNTRY = "nor";

/** Records that are published; about a fifth is historical. */
const RECORDS = 1000;

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
  const east = join(HOME, "east.json");
  writeFileSync(east, JSON.stringify({ processors: { raster: [TEMPERATURE] } }));
  const where = ["--port", PORT, "--data-dir", data, "--east", east];
  const playground = start(["playground", join(HOME, "archive"), ...where, "--json"]);
  const ended = finished(playground);
  const nodes = new Map<string, URL>();
  for await (const line of createInterface({ input: playground.stdout })) {
    const { event, name = "", node = "" } = JSON.parse(line) as Event;
    if (event === "node") nodes.set(name, new URL(node));
    if (event !== "ready") continue;
    await publish(nodes);
    await makePackage(nodes.get("east") as URL);
    if (!isStopped) await show(nodes);
  }
  const code = await ended;
  if (nodes.size === 0 && !isStopped) console.error("Other ports: GYRE_DEMO_PORT=9110 npm run demo");
  return code;
}

interface Event {
  readonly event: string;
  readonly name?: string;
  readonly node?: string;
}

/** Records at the first node, which all of them get by the event log; then the archive that it serves. */
async function publish(nodes: ReadonlyMap<string, URL>): Promise<void> {
  const east = nodes.get("east") as URL;
  const before = await countsOf(nodes);
  if (before.get("east") === 0) {
    console.log(`\nPublishing ${RECORDS} generated records at ${east.href} ...`);
    const started = performance.now();
    await run(["generate", String(RECORDS), "--node", east.href, "--publish"]);
    while (!isStopped && (await countsOf(nodes)).get("west") !== RECORDS) await delay(50);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${RECORDS} records are at every node that follows them, ${seconds} s after the first was sent:`);
    console.log(tableOf(nodes, await countsOf(nodes)));
    console.log("Publishing the archive that it serves ...");
  }
  while (!isStopped && !(await fetch(new URL("readyz", east))).ok) await delay(200);
  if (!isStopped) await run(["publish", "--from-node", "--node", east.href]);
}

/** Datasets for one country, in one package: a part of the archive, and a part of the map of the world. */
async function makePackage(east: URL): Promise<void> {
  if (isStopped) return;
  console.log(`\nMaking the data package of ${COUNTRY} at ${east.href} ...`);
  const client = createClient(east);
  const id = await client.jobSubmit(COUNTRY, [
    `${TEMPERATURE.dataset}.${TEMPERATURE.version}`,
    "natural_earth_vector.countries_10m",
  ]);
  let last = "";
  for await (const { job_group_percent_complete: percent, job_group_processors: all } of client.jobWatch(id)) {
    if (isStopped) return;
    const states = all.map((one) => `${one.processor_name} ${one.job_progress?.current_task ?? one.job_status}`);
    const line = `${String(percent).padStart(4)} %  ${states.join(", ")}`;
    if (line !== last) console.log(line);
    last = line;
  }
}

/** Runs Gyre to its end, beside the playground. */
async function run(args: readonly string[]): Promise<void> {
  if (isStopped) return;
  const child = spawn(process.execPath, [GYRE, ...args], { cwd: HOME, env: ENV, stdio: ["ignore", "ignore", "pipe"] });
  // Of interest only where it fails: the synthetic archive is no member of the projects whose vocabularies are checked.
  const said = text(child.stderr);
  const code = await finished(child);
  if (code !== 0 && !isStopped) console.error(`${await said}\ngyre ${args[0]} ended with ${code}`);
}

/** Items of each node. */
async function countsOf(nodes: ReadonlyMap<string, URL>): Promise<Map<string, number>> {
  const counts = [...nodes].map(async ([name, url]) => {
    const answer = await fetch(new URL("stac/search?limit=1", url));
    const { numberMatched = 0 } = (await answer.json()) as { numberMatched?: number };
    return [name, numberMatched] as const;
  });
  return new Map(await Promise.all(counts));
}

function tableOf(nodes: ReadonlyMap<string, URL>, counts: ReadonlyMap<string, number>): string {
  const rows = [...nodes].map(([name, url]) => {
    return `  ${name.padEnd(10)} ${String(counts.get(name)).padStart(6)} items   ${url.href}stac`;
  });
  return rows.join("\n");
}

async function show(nodes: ReadonlyMap<string, URL>): Promise<void> {
  const base = nodes.get("east") as URL;
  const counts = await countsOf(nodes);
  const ids = (await (await fetch(new URL("datasets", base))).json()) as string[];
  const cubes = ids.filter((id) => id.startsWith("CMIP6."));
  const id = cubes.find((name) => name.includes(".tas.")) ?? cubes[0] ?? ids[0];
  const at = new URL(`datasets/${id}`, base).href;
  console.log(`
Three nodes, one event log:
${tableOf(nodes, counts)}

east also serves ${ids.length} datasets (${cubes.length} of them made of several files):
  datasets     ${new URL("datasets", base).href}
  a page       ${at}/
  as stored    ${at}/kerchunk
  computed     ${at}/zarr
  a view       ${at}/zarr@bbox=-10~35~30~60
  references   ${at}/kerchunk.json
  a package    ${new URL(`packages/${COUNTRY}/`, base)}

Try it:
  python3 -c 'import xarray as xr; print(xr.open_zarr("${at}/kerchunk"))'
  gdalinfo 'ZARR:"/vsicurl/${at}/zarr"'
  curl ${at}/info
  curl '${base.href}stac/search?filter=cmip6:variable_id=%27tas%27&limit=1'
  npx gyre events tail --follow --node ${base.href}
  npx gyre package fra natural_earth_vector.countries_10m --watch --node ${base.href}

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
