import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// `node scripts/peers.ts [name...]`: installs what benches and tests compare with, each in a folder of its own below .peers/.
const PEERS = fileURLToPath(new URL("../.peers/", import.meta.url));

/** Python environments, with exact versions: figures of another day must be about the same programs. */
const ENVIRONMENTS = {
  readers: ["h5py==3.16.0", "netCDF4==1.7.5.1.post1", "xarray==2026.9.0", "kerchunk==0.2.10", "virtualizarr==2.5.1"],
  xpublish: [
    ...["xpublish==0.5.2", "xpublish-zarr==0.1.0", "xarray==2026.9.0", "zarr==3.1.6", "netCDF4==1.7.5.1.post1"],
    ...["dask==2026.8.0", "uvicorn==0.54.0", "uvloop==0.23.0", "httptools"],
  ],
  pgstac: [
    ...["stac-fastapi.pgstac==7.2.0", "pypgstac[psycopg]==0.10.0", "uvicorn==0.54.0", "uvloop==0.23.0"],
    "httptools==0.9.0",
  ],
  raster: ["rasterio==1.4.4", "shapely==2.2.0", "numpy==2.4.6", "netCDF4==1.7.5.1.post1"],
  celery: ["celery[redis]==5.7.0"],
} as const;

/** Files that show that a peer is here, and the package of Debian that brings them. */
const PROGRAMS = {
  nginx: { file: "nginx", debian: "nginx-light" },
  wrk: { file: "wrk", debian: "wrk" },
  redis: { file: "redis-server", debian: "redis-server" },
  postgis: { file: "postgis.control", debian: "postgresql-15-postgis-3" },
} as const;
const FOLDERS = [
  ...["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"],
  "/usr/share/postgresql/15/extension",
];

export type PeerName = keyof typeof ENVIRONMENTS | keyof typeof PROGRAMS;

/** A peer that is here, with its program; or why it is not. */
export type Peer = { readonly program: string } | { readonly missing: string };

/** Finds a peer, and installs it where it is not there yet. */
export function peer(name: PeerName): Peer {
  try {
    return { program: isEnvironment(name) ? environment(name) : systemProgram(name) };
  } catch (error) {
    return { missing: `${name} cannot be installed: ${(error as Error).message.split("\n")[0]}` };
  }
}

function isEnvironment(name: PeerName): name is keyof typeof ENVIRONMENTS {
  return name in ENVIRONMENTS;
}

function environment(name: keyof typeof ENVIRONMENTS): string {
  const folder = join(PEERS, name);
  const python = join(folder, "bin", "python");
  if (existsSync(join(folder, "complete"))) return python;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(PEERS, { recursive: true });
  run("python3", "-m", "venv", folder);
  run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...ENVIRONMENTS[name]);
  // Made last, so that an installation that was cut off is begun again.
  mkdirSync(join(folder, "complete"));
  return python;
}

function systemProgram(name: keyof typeof PROGRAMS): string {
  const { file, debian } = PROGRAMS[name];
  const find = (): string | undefined => FOLDERS.map((folder) => join(folder, file)).find((path) => existsSync(path));
  const found = find();
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0) throw new Error(`only root can: apt-get install ${debian}`);
  run("apt-get", "install", "--yes", "--no-install-recommends", debian);
  const installed = find();
  if (installed === undefined) throw new Error(`${debian} brings no ${file}`);
  return installed;
}

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: ["ignore", "ignore", "inherit"] });
}

if (import.meta.main) {
  const all = [...Object.keys(ENVIRONMENTS), ...Object.keys(PROGRAMS)] as PeerName[];
  const wanted = process.argv.slice(2);
  for (const name of all.filter((known) => wanted.length === 0 || wanted.includes(known))) {
    const found = peer(name);
    console.log(`${name}: ${"program" in found ? found.program : found.missing}`);
    if ("missing" in found) process.exitCode = 1;
  }
}
