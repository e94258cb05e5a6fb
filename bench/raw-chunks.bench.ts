import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { peer } from "../scripts/peers.ts";
import { startNginx } from "../test/services/services.ts";
import { type Bench, type MissingPeer, needed, type Peer, type Row } from "./bench.ts";
import { benchData } from "./data.ts";
import { requestsPerSecond } from "./load.ts";
import { type Server, startGyre, startXpublish } from "./servers.ts";

interface Size {
  readonly id: string;
  readonly what: string;
  readonly chunks: number;
  readonly floor: number;
  readonly goal: number;
}

const SIZES: readonly Size[] = [
  { id: "16k", what: "16 kB", chunks: 2048, floor: 0.35, goal: 0.7 },
  { id: "256k", what: "256 kB", chunks: 256, floor: 0.45, goal: 0.7 },
  { id: "1m", what: "1 MB", chunks: 64, floor: 0.65, goal: 0.9 },
];

/** Where a server has its chunks: one address per chunk of a file. */
interface Place {
  readonly name: string;
  readonly base: URL;
  path(id: string, chunk: number): string;
}

const OURS = (base: URL): Place => ({ name: "Gyre", base, path: (id, n) => `/datasets/${id}/kerchunk/data/${n}.0.0` });
const NGINX = (base: URL): Place => ({ name: "nginx", base, path: (id, n) => `/${id}/${n}.0.0` });
const XPUBLISH = (base: URL): Place => ({
  name: "xpublish",
  base,
  path: (id, n) => `/datasets/${id}/zarr/data/c/${n}/0/0`,
});

function pathsOf(place: Place, { id, chunks }: Size): string[] {
  return Array.from({ length: chunks }, (_, n) => place.path(id, n));
}

async function bodyOf(place: Place, path: string): Promise<Buffer> {
  const response = await fetch(new URL(path, place.base));
  assert.equal(response.status, 200, `${place.name} answers ${response.status} to ${path}`);
  return Buffer.from(await response.arrayBuffer());
}

async function assertSame(ours: Place, theirs: Place, size: Size): Promise<void> {
  for (const n of [0, size.chunks >> 1, size.chunks - 1]) {
    const own = await bodyOf(ours, ours.path(size.id, n));
    const other = await bodyOf(theirs, theirs.path(size.id, n));
    assert.ok(own.equals(other), `${theirs.name} answers other bytes for chunk ${n} of ${size.id}`);
  }
}

/** The chunks as files, for nginx. */
async function unpacked(ours: Place, folder: string): Promise<void> {
  for (const size of SIZES) {
    for (let n = 0; n < size.chunks; n++) {
      const file = join(folder, NGINX(ours.base).path(size.id, n));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, await bodyOf(ours, ours.path(size.id, n)));
    }
  }
}

export const bench: Bench = {
  summary: "stored chunks over HTTP, 8 connections, one server process each",
  async prepare(log) {
    const wrk = needed(peer("wrk"));
    const data = fileURLToPath(benchData("stored", log));
    const gyre = await startGyre(data);
    const keepless = await startGyre(data, { env: { GYRE_LIMITS__CACHE: "1" } });
    const ours = OURS(gyre.url);
    const reading = OURS(keepless.url);
    const files = mkdtempSync(join(tmpdir(), "gyre-chunks-"));
    await unpacked(ours, files);
    // Installs it, if that is possible.
    peer("nginx");
    const nginx = await startNginx(`location / { root ${files}; sendfile on; } keepalive_requests 100000000;`);
    const python = peer("xpublish");
    const xpublish: Server | undefined =
      "program" in python ? await startXpublish(python.program, data, "none") : undefined;

    const rate = (place: Place, size: Size) => (): Promise<number> =>
      requestsPerSecond(place.base, pathsOf(place, size), { program: wrk });
    const beside = (own: Place, place: Place, size: Size, floor: number, goal: number): Peer => ({
      name: place.name,
      floor,
      goal,
      measure: rate(place, size),
      same: () => assertSame(own, place, size),
    });
    const row = (own: Place, size: Size, how: string, theirs: Peer | MissingPeer): Row => ({
      name: `chunks of ${size.what}, ${how}`,
      unit: "/s",
      kind: "rate",
      ours: rate(own, size),
      peer: theirs,
    });
    const besideNginx = (own: Place, size: Size): Peer | MissingPeer =>
      nginx.unavailable === undefined
        ? beside(own, NGINX(nginx.url), size, size.floor, size.goal)
        : { name: "nginx", missing: nginx.unavailable };
    const besideXpublish = (own: Place, size: Size): Peer | MissingPeer =>
      xpublish === undefined
        ? { name: "xpublish", missing: "missing" in python ? python.missing : "" }
        : beside(own, XPUBLISH(xpublish.url), size, 10, 20);
    const rows = [
      ...SIZES.map((size) => row(ours, size, "asked for again", besideNginx(ours, size))),
      ...SIZES.map((size) => row(reading, size, "read each time", besideNginx(reading, size))),
      ...SIZES.map((size) => row(ours, size, "asked for again", besideXpublish(ours, size))),
      ...SIZES.map((size) => row(reading, size, "read each time", besideXpublish(reading, size))),
    ];
    return {
      rows,
      async close() {
        await gyre.stop();
        await keepless.stop();
        await xpublish?.stop();
        if (nginx.unavailable === undefined) await nginx.stop();
        rmSync(files, { recursive: true });
      },
    };
  },
};
