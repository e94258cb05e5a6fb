import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { GyreError } from "../../errors.ts";
import { configText, type PlannedNode, type PlanOptions } from "./plan.ts";

/** Where a node answers. */
export interface Addresses {
  readonly node: string;
  readonly pages?: string;
  readonly ingest?: string;
}

/** A node that runs in a process of its own. */
export interface RunningNode {
  readonly plan: PlannedNode;
  readonly pid: number;
  readonly addresses: Addresses;
  /** Ends when the process does, with its exit code. */
  readonly ended: Promise<number>;
  /** Asks it to stop, and waits until it has. */
  stop(): Promise<void>;
}

interface Listening {
  readonly event: string;
  readonly url?: string;
  readonly also?: readonly { readonly serves: string; readonly url: string }[];
}

export interface StartIo {
  /** What `gyre` is here. */
  readonly program: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  err(line: string): void;
}

/** Starts a node as a child process and waits until its catalogue answers. Throws Busy, and leaves nothing running. */
export async function startNode(plan: PlannedNode, options: PlanOptions, io: StartIo): Promise<RunningNode> {
  const { name } = plan;
  const folder = resolve(options.dataDir, name);
  await mkdir(folder, { recursive: true });
  const file = join(folder, "gyre.yaml");
  await writeFile(file, configText(plan, options));
  const [program, ...argv] = io.program as [string, ...string[]];
  const child = spawn(program, [...argv, "serve", "--config", file, "--json"], {
    // The channel closes when this process ends, even by SIGKILL; the node then ends too.
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    // Of its own process group: an interrupt of the terminal is for the playground, which stops its nodes in order.
    detached: true,
    env: io.env,
  });
  const ended = new Promise<number>((done, failed) => {
    child.once("error", failed);
    child.once("exit", (code, signal) => done(code ?? (signal === null ? 1 : 128)));
  });
  createInterface({ input: child.stderr as Readable }).on("line", (line) => io.err(`${name}: ${line}`));
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
  };
  const gone = ended.then((code): never => {
    throw new GyreError("Busy", `the node ${name} ended with code ${code} before it was there`);
  });
  try {
    const addresses = await Promise.race([listening(child.stdout as Readable), gone]);
    await Promise.race([answering(name, addresses, io.signal), gone]);
    return { plan, pid: child.pid as number, addresses, ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What the node tells when its ports are open. */
function listening(output: Readable): Promise<Addresses> {
  const lines = createInterface({ input: output });
  return new Promise((done) => {
    lines.on("line", (line) => {
      const { event, url, also = [] } = JSON.parse(line) as Listening;
      if (event !== "listening" || url === undefined) return;
      const of = (serves: string): string | undefined => also.find((port) => port.serves === serves)?.url;
      const [pages, ingest] = [of("redirect"), of("ingest")];
      done({ node: url, ...(pages === undefined ? {} : { pages }), ...(ingest === undefined ? {} : { ingest }) });
    });
  });
}

async function answering(name: string, { node }: Addresses, signal: AbortSignal): Promise<void> {
  const response = await fetch(new URL("stac", node), { signal });
  const { detail } = (await response.json()) as { readonly detail?: string };
  if (!response.ok) throw new GyreError("Busy", `the node ${name} has no catalogue: ${detail}`);
}
