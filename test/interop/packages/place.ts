import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { type Client, createClient } from "../../../src/client/index.ts";
import { GYRE } from "../../cli/run.ts";
import { postgresMissing, startPostgres } from "../../services/postgres-server.ts";
import { missing, startS3 } from "../../services/services.ts";
import { type Gate, openGate } from "./gate.ts";
import { openToll, type Toll } from "./toll.ts";

/** What a node stands on, and where its packages lie. */
export interface PlaceKind {
  readonly name: string;
  readonly unavailable: string | undefined;
  start(): Promise<Place>;
}

/** A node that makes packages, with all that it needs, as processes of their own. */
export interface Place {
  readonly url: string;
  readonly client: Client;
  readonly folder: string;
  readonly gate: Gate;
  /** What stands before S3, where packages lie there. */
  readonly toll: Toll | undefined;
  /** Starts one more process that works on flows. */
  addWorker(): Promise<void>;
  /** Ends all of them without a word. */
  killWorkers(): Promise<void>;
  close(): Promise<void>;
}

const LICENSE = { name: "CC0-1.0", path: "https://creativecommons.org/publicdomain/zero/1.0/", title: "CC0 1.0" };
const FIXTURES = fileURLToPath(new URL("../../fixtures/founding/", import.meta.url));
const GLOBAL = `${FIXTURES}global.tif`;
const PROCESSORS = fileURLToPath(new URL("processors", import.meta.url));
const MOTO = fileURLToPath(new URL("../../../.peers/moto/bin/moto_server", import.meta.url));
const BUCKET = "packages";

/** A node that does all by itself; and one on a PostgreSQL server with two workers, whose packages lie in S3. */
export const PLACES: readonly PlaceKind[] = [
  { name: "embedded", unavailable: undefined, start: () => startPlace({}) },
  { name: "PostgreSQL server, two workers, S3", unavailable: largeMissing(), start: startLarge },
];

function largeMissing(): string | undefined {
  if (existsSync(MOTO)) return postgresMissing();
  return missing("moto is not installed (node scripts/services.ts install)").unavailable;
}

async function startLarge(): Promise<Place> {
  const endings: (() => Promise<void>)[] = [];
  const given = process.env.GYRE_TEST_POSTGRES;
  const server = given === undefined ? await startPostgres() : { url: new URL(given), stop: async () => undefined };
  if (server.unavailable !== undefined) throw new Error(server.unavailable);
  endings.unshift(async () => void (await server.stop()));
  const s3 = await startS3(BUCKET);
  if (s3.unavailable !== undefined) throw new Error(s3.unavailable);
  endings.unshift(() => s3.stop());
  const toll = await openToll(s3.url);
  endings.unshift(async () => toll.close());
  const settings = {
    database: server.url.href,
    name: `packages_${randomBytes(4).toString("hex")}`,
    roles: ["api", "consumer"],
    s3: { [BUCKET]: { endpoint: toll.url, ...s3.credentials } },
    packages: { storage: `s3://${BUCKET}/made`, includeTestProcessors: true },
  };
  const place = await startPlace(settings, toll, endings);
  await Promise.all([place.addWorker(), place.addWorker()]);
  return place;
}

async function startPlace(settings: object, toll?: Toll, endings: (() => Promise<void>)[] = []): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "gyre-packages-"));
  // The private database of a root's test is another user's.
  await chmod(folder, 0o755);
  endings.unshift(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const gate = await openGate();
  endings.unshift(async () => gate.close());
  const raster = {
    ...{ dataset: "world", version: "version_1", description: "A raster of the whole world", license: LICENSE },
    source: { url: GLOBAL },
  };
  await writeFile(join(folder, "gate"), gate.url);
  await writeFile(
    join(folder, "gyre.yaml"),
    stringify({
      packages: { includeTestProcessors: true },
      allow: [FIXTURES],
      processors: { folders: [PROCESSORS], raster: [raster] },
      ...settings,
    }),
  );
  const node = start(folder, ["serve", "--port", "0", "--json"]);
  endings.unshift(() => node.stop());
  const url = String((await node.event("listening")).url);
  await node.event("ready");
  const client = createClient(url);
  const workers: Running[] = [];
  return {
    ...{ url, client, folder, gate, toll },
    async addWorker() {
      const worker = start(folder, ["worker", "--once", "--json"]);
      workers.push(worker);
      endings.unshift(() => worker.stop());
      await worker.event("working");
    },
    async killWorkers() {
      await Promise.all(workers.splice(0).map((worker) => worker.stop("SIGKILL")));
    },
    async close() {
      for (const ending of endings) await ending();
    },
  };
}

interface Running {
  event(name: string): Promise<{ readonly [field: string]: unknown }>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

function start(folder: string, argv: readonly string[]): Running {
  const env = Object.entries(process.env).filter(([name]) => !name.startsWith("GYRE_"));
  const child: ChildProcess = spawn(process.execPath, [GYRE, ...argv], {
    cwd: folder,
    env: Object.fromEntries(env),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr?.on("data", (bytes) => (said += bytes));
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    async event(name) {
      for (;;) {
        const { done, value } = await lines.next();
        if (done) throw new Error(`gyre ${argv[0]} ended before "${name}": ${said}`);
        const event = JSON.parse(value) as { readonly event: string };
        if (event.event === name) return { ...event };
      }
    },
    async stop(signal = "SIGTERM") {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await once(child, "exit");
    },
  };
}
