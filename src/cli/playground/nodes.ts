import { type ChildProcessByStdio, spawn } from "node:child_process";
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

/** Starts a node as a child process and waits until it listens and its catalogue answers. */
export async function startNode(
  plan: PlannedNode,
  options: PlanOptions,
  io: { readonly program: readonly string[]; readonly err: (line: string) => void; readonly env: NodeJS.ProcessEnv },
): Promise<RunningNode> {
  const folder = resolve(options.dataDir, plan.name);
  await mkdir(folder, { recursive: true });
  const file = join(folder, "gyre.yaml");
  await writeFile(file, configText(plan, options));
  const [program, ...argv] = io.program as [string, ...string[]];
  // Of its own process group: an interrupt of the terminal is for the playground, which stops its nodes in order.
  const child = spawn(program, [...argv, "serve", "--config", file, "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    env: io.env,
  });
  const ended = new Promise<number>((done, failed) => {
    child.once("error", failed);
    child.once("exit", (code, signal) => done(code ?? (signal === null ? 1 : 128)));
  });
  createInterface({ input: child.stderr }).on("line", (line) => io.err(`${plan.name}: ${line}`));
  const addresses = await listening(child, ended, plan.name);
  return {
    plan,
    pid: child.pid as number,
    addresses,
    ended,
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function listening(
  child: ChildProcessByStdio<null, Readable, Readable>,
  ended: Promise<number>,
  name: string,
): Promise<Addresses> {
  const lines = createInterface({ input: child.stdout });
  const told = new Promise<Addresses>((done) => {
    lines.on("line", (line) => {
      const { event, url, also = [] } = JSON.parse(line) as Listening;
      if (event !== "listening" || url === undefined) return;
      const of = (serves: string): string | undefined => also.find((port) => port.serves === serves)?.url;
      const [pages, ingest] = [of("redirect"), of("ingest")];
      done({ node: url, ...(pages === undefined ? {} : { pages }), ...(ingest === undefined ? {} : { ingest }) });
    });
  });
  const gone = ended.then((code): never => {
    throw new GyreError("Busy", `the node ${name} ended with code ${code} before it listened`);
  });
  return Promise.race([told, gone]);
}
