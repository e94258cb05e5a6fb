import { spawn } from "node:child_process";
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

// `npm run demo`: writes a small archive and serves it at 127.0.0.1:9010, until Ctrl-C.
const HOME = ".gyre/demo";
const PORT = process.env.GYRE_DEMO_PORT ?? "9010";
const GYRE = join(import.meta.dirname, "../bin/gyre.ts");

for (const [format, count] of [
  ["netcdf", "6"],
  ["zarr", "2"],
  ["cog", "1"],
] as const) {
  const out = join(HOME, "archive", format);
  if (existsSync(out)) continue;
  console.log(`Writing ${count} synthetic datasets as ${format} to ${out} ...`);
  await finished([GYRE, "generate", count, "--format", format, "--out", `${out}.part`]);
  renameSync(`${out}.part`, out);
}

const node = spawn(
  process.execPath,
  [GYRE, "serve", join(HOME, "archive"), "--port", PORT, "--data-dir", join(HOME, "data"), "--json"],
  {
    stdio: ["ignore", "pipe", "inherit"],
  },
);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => node.kill(signal));
node.on("exit", (code) => process.exit(code ?? 0));
for await (const line of createInterface({ input: node.stdout })) {
  const event = JSON.parse(line) as { event: string; url?: string; seen?: number; datasets?: number; isDone?: boolean };
  if (event.event === "scan" && event.isDone) console.log(`${event.seen} files seen`);
  if (event.event === "ready") await show(new URL(event.url as string));
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

function finished(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
    child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${args[1]} failed`))));
  });
}
