import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startKafka } from "../test/services/kafka.ts";
import { startPostgres } from "../test/services/postgres-server.ts";
import { startNginx, startS3 } from "../test/services/services.ts";
import { download } from "./download.ts";

// `node scripts/services.ts install`: what the full test suite wants besides Node and the npm registry.
// `node scripts/services.ts`: runs it until Ctrl-C, for trying things by hand.
const PEERS = fileURLToPath(new URL("../.peers/", import.meta.url));
/** Seconds of silence after which a server is asked again. */
const SILENCE = 60;

function run(program: string, ...args: readonly string[]): void {
  console.log(`$ ${program} ${args.join(" ")}`);
  execFileSync(program, args, { stdio: "inherit" });
}

/** Python environments of the tests, with what shows that one is complete. */
const ENVIRONMENTS = [
  { name: "moto", proof: "bin/moto_server", packages: ["moto[server]==5.2.5"] },
  {
    name: "py",
    proof: "bin/f2py",
    packages: [
      "aiohttp==3.14.5",
      "cftime==1.6.6.1",
      "dask==2026.8.0",
      "fastparquet==2026.9.0",
      "fsspec==2026.9.0",
      "h5py==3.16.0",
      "hdf5plugin==7.1.0",
      "imagecodecs==2026.3.6",
      "kerchunk==0.2.10",
      "netCDF4==1.7.5.1.post1",
      "numcodecs==0.16.6",
      "numpy==2.4.6",
      "rasterio==1.4.4",
      "requests==2.34.2",
      "tifffile==2026.3.3",
      "xarray==2026.9.0",
      "zarr==3.1.6",
    ],
  },
  {
    name: "stac",
    proof: "bin/stac-api-validator",
    packages: ["pystac-client==0.9.1", "stac-api-validator==0.6.8", "stac-validator==4.1.2", "stac-valid==4.2.1"],
  },
  {
    name: "geoparquet",
    proof: "bin/f2py",
    packages: ["pyarrow==22.0.0", "geopandas==1.2.0", "stac-geoparquet==0.8.3"],
  },
  {
    name: "frictionless",
    proof: "bin/frictionless",
    packages: ["frictionless==5.18.1", "jsonschema==4.26.0", "pystac==1.14.1"],
  },
  {
    name: "raster",
    proof: "bin/rio",
    packages: ["rasterio==1.4.4", "shapely==2.2.0", "numpy==2.4.6", "netCDF4==1.7.5.1.post1"],
  },
  { name: "owslib", proof: "bin/normalizer", packages: ["OWSLib==0.35.0"] },
  { name: "prov", proof: "bin/prov-convert", packages: ["prov==3.2.3"] },
] as const;

/** The jars of a Kafka broker with its tools, as test/services/kafka.pom.xml names them. */
function installKafka(): void {
  const folder = join(PEERS, "kafka");
  if (existsSync(join(folder, "complete"))) return;
  const pom = fileURLToPath(new URL("../test/services/kafka.pom.xml", import.meta.url));
  const goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
  // Maven waits half an hour for a silent server, and does not ask again for what it could not have the last time.
  const patience = ["maven.wagon.rto", "aether.connector.requestTimeout"].map((name) => `-D${name}=${SILENCE * 1000}`);
  const target = [`-DoutputDirectory=${folder}`, "-DincludeScope=runtime"];
  download("mvn", ["--batch-mode", "--quiet", "--update-snapshots", ...patience, "-f", pom, goal, ...target]);
  // Made last, so that an installation that was cut off is begun again.
  mkdirSync(join(folder, "complete"));
}

/** STAC Browser, which comes as source: built with the dependencies that test/services/stac-browser.package.json pins. */
function installStacBrowser(): void {
  const folder = join(PEERS, "stac-browser");
  if (existsSync(join(folder, "dist"))) return;
  const source = join(folder, "source");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(source, { recursive: true });
  const patience = ["--fetch-retries=4", `--fetch-timeout=${SILENCE * 1000}`];
  download("npm", ["pack", "--silent", ...patience, "--pack-destination", folder, "@radiantearth/stac-browser@4.0.1"]);
  run("tar", "-xzf", join(folder, "radiantearth-stac-browser-4.0.1.tgz"), "-C", source, "--strip-components=1");
  const dependencies = fileURLToPath(new URL("../test/services/stac-browser.package.json", import.meta.url));
  copyFileSync(dependencies, join(source, "package.json"));
  const quietly = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
  download("npm", ["install", "--prefix", source, ...quietly, ...patience]);
  run("npm", "run", "build", "--prefix", source, "--silent");
  renameSync(join(source, "dist"), join(folder, "dist"));
  rmSync(source, { recursive: true });
}

function install(): void {
  installKafka();
  installStacBrowser();
  for (const { name, proof, packages } of ENVIRONMENTS) {
    const folder = join(PEERS, name);
    if (existsSync(join(folder, proof))) continue;
    run("python3", "-m", "venv", folder);
    const patience = ["--retries", "4", "--timeout", String(SILENCE)];
    const pip = ["install", "--quiet", "--disable-pip-version-check", ...patience, ...packages];
    download(join(folder, "bin", "pip"), pip);
  }
  installPrograms();
}

/** Debian's packages, with what shows that one is there. */
const PROGRAMS = [
  ["/usr/bin/unzip", "unzip"],
  ["/usr/sbin/nginx", "nginx-light"],
  ["/usr/bin/kcat", "kcat"],
  ["/usr/lib/postgresql", "postgresql"],
  // With Debian's newest PostgreSQL, and the PostGIS that fits it.
  ["/usr/share/doc/postgresql-postgis", "postgresql-postgis"],
  ["/usr/bin/gdalinfo", "gdal-bin"],
  ["/usr/bin/chromium", "chromium"],
] as const;

function installPrograms(): void {
  const missing = PROGRAMS.filter(([path]) => !existsSync(path)).map(([, debianPackage]) => debianPackage);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) {
    console.log(`only root can install what is missing: apt-get install ${missing.join(" ")}`);
    return;
  }
  // Another program may be installing something.
  const patience = ["-o", "Acquire::Retries=4", "-o", "DPkg::Lock::Timeout=600"];
  const install = ["install", "--yes", "--no-install-recommends", ...patience, ...missing];
  download("apt-get", ["update", ...patience]);
  // Apart, because what is cut off while it is installed cannot simply be begun again.
  download("apt-get", [...install, "--download-only"]);
  run("apt-get", ...install);
}

async function serve(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gyre-files-"));
  const [nginx, s3] = [await startNginx(`location / { root ${folder}; autoindex on; }`), await startS3("gyre")];
  console.log(nginx.unavailable ?? `nginx ${nginx.url} serves ${folder}`);
  const [kafka, postgres] = [await startKafka(), await startPostgres()];
  console.log(s3.unavailable ?? `S3 ${s3.url} ${JSON.stringify(s3.credentials)}`);
  console.log(postgres.unavailable ?? `PostgreSQL ${postgres.url}`);
  console.log(kafka.unavailable ?? `Kafka kafka://${kafka.brokers.join()}`);
  process.once("SIGINT", async () => {
    for (const service of [nginx, s3, kafka, postgres]) if (service.unavailable === undefined) await service.stop();
    rmSync(folder, { recursive: true });
  });
}

if (process.argv[2] === "install") install();
else await serve();
