import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable } from "node:stream";
import type { TestContext } from "node:test";
import { stringify } from "yaml";
import type { Pool } from "../../src/db/database.ts";
import { startEmbedded } from "../../src/db/embedded.ts";
import { connect } from "../../src/db/postgres.ts";
import { GYRE } from "../cli/run.ts";
import { serverPid } from "../db/server-process.ts";
import { freePort } from "../services/services.ts";
import type { WitnessOrder } from "./witness.ts";

export interface Accepted {
  readonly event: string;
  readonly item: string;
}

/** What became of events in one node: how often each was applied. */
export type Applied = ReadonlyMap<string, number>;

/** Nodes that share one private database, each a process that can be killed at any time. */
export class Cluster {
  readonly folder = mkdtempSync(join(tmpdir(), "gyre-crash-"));
  readonly #nodes = new Map<string, { readonly port: number; child: ChildProcess }>();
  readonly #log: string | undefined;
  readonly #fallen = Promise.withResolvers<never>();
  #isEnding = false;
  #isDone = false;

  private constructor(log: string | undefined) {
    this.#log = log;
    // Nobody may be waiting for it when it happens.
    this.#fallen.promise.catch(() => undefined);
    // The server of a root's test is another user, who keeps its files here as well.
    chmodSync(this.folder, 0o755);
  }

  /** Starts nodes of these names; `follow` of one may be a pattern of topics. */
  static async start(t: TestContext, nodes: Readonly<Record<string, string>>, log?: string): Promise<Cluster> {
    const cluster = new Cluster(log);
    t.after(() => cluster.#end());
    for (const [name, topics] of Object.entries(nodes)) {
      const port = await freePort();
      mkdirSync(join(cluster.folder, name));
      writeFileSync(join(cluster.folder, name, "gyre.yaml"), cluster.#configOf(name, port, topics));
      cluster.#nodes.set(name, { port, child: await cluster.#spawn(name) });
    }
    return cluster;
  }

  /** Rejects when a node ends without being killed. */
  get fallen(): Promise<never> {
    return this.#fallen.promise;
  }

  /** Says that all went well: nobody needs to read what the nodes said. */
  done(): void {
    this.#isDone = true;
  }

  get names(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  urlOf(name: string): string {
    return `http://127.0.0.1:${this.#nodes.get(name)?.port}/`;
  }

  /** Ends a node without a word and starts it again. */
  async killNode(name: string): Promise<void> {
    const node = this.#nodes.get(name);
    assert.ok(node);
    const gone = once(node.child, "exit");
    node.child.kill("SIGKILL");
    await gone;
    node.child = await this.#spawn(name);
  }

  /** Ends the database without a word; the nodes bring it back. */
  async killDatabase(): Promise<void> {
    let pid: number | undefined;
    while (pid === undefined) {
      // One that is still down from the last time cannot be killed; and where no node was attached again, it ends here.
      await this.database("public", async () => undefined);
      pid = serverPid(this.#databaseFolder);
    }
    process.kill(pid, "SIGKILL");
  }

  /** Runs `work` on a connection to a node's schema. */
  async database<T>(schema: string, work: (pool: Pool) => Promise<T>): Promise<T> {
    const server = await startEmbedded({ folder: this.#databaseFolder });
    try {
      const pool = await connect({ ...server.address, schema, max: 1 });
      try {
        return await work(pool);
      } finally {
        await pool.close();
      }
    } finally {
      await server.close();
    }
  }

  /** Every event that a node has applied, and how often. */
  applied(name: string): Promise<Applied> {
    return this.database(name, async (pool) => {
      const rows = await pool.query<{ event_id: string; applied_count: number }>(
        "select event_id, applied_count from outcome where applied is not null",
      );
      return new Map(rows.map(({ event_id, applied_count }) => [event_id, applied_count]));
    });
  }

  get #databaseFolder(): string {
    return join(this.folder, "postgres");
  }

  #configOf(name: string, port: number, topics: string): string {
    return stringify({
      name,
      listen: { port },
      dataDir: join(this.folder, name),
      database: "embedded",
      databaseFolder: this.#databaseFolder,
      follow: [{ topics }],
      ...(this.#log === undefined ? {} : { log: this.#log }),
    });
  }

  async #spawn(name: string): Promise<ChildProcess> {
    const config = join(this.folder, name, "gyre.yaml");
    const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith("GYRE_")));
    const child = spawn(process.execPath, [GYRE, "serve", "--config", config, "--json"], {
      env,
      stdio: ["ignore", "pipe", openSync(join(this.folder, `${name}.log`), "a")],
    });
    const lines = createInterface({ input: child.stdout as Readable });
    const told = new Promise<void>((done) => lines.on("line", (line) => line.includes('"listening"') && done()));
    await Promise.race([told, once(child, "exit").then(() => assert.fail(`node ${name} ended before it listened`))]);
    child.once("exit", (code, signal) => {
      if (signal === "SIGKILL" || this.#isEnding) return;
      this.#fallen.reject(
        new Error(`node ${name} ended by itself (${code ?? signal}): see ${this.folder}/${name}.log`),
      );
    });
    return child;
  }

  /** What the nodes said is kept where something went wrong. */
  async #end(): Promise<void> {
    this.#isEnding = true;
    await Promise.all(
      [...this.#nodes.values()].map(async ({ child }) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = once(child, "exit");
        child.kill("SIGTERM");
        await gone;
      }),
    );
    if (this.#isDone) rmSync(this.folder, { recursive: true, force: true });
    else process.stderr.write(`The logs of the nodes are in ${this.folder}\n`);
  }
}

/** The process that publishes and remembers what it was promised. */
export class Witness {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #ended: Promise<unknown>;
  readonly #file: string;
  #count = 0;

  constructor(t: TestContext, order: WitnessOrder) {
    this.#file = order.file;
    const file = join(import.meta.dirname, "witness.ts");
    const child = spawn(process.execPath, [file, JSON.stringify(order)], { stdio: ["ignore", "pipe", "inherit"] });
    this.#child = child;
    this.#ended = once(this.#child, "exit");
    t.after(() => this.#child.kill("SIGKILL"));
    this.#lines = createInterface({ input: child.stdout });
    this.#lines.on("line", () => this.#count++);
  }

  get count(): number {
    return this.#count;
  }

  /** Resolves when so many more events were accepted. */
  async more(events: number): Promise<void> {
    const wanted = this.#count + events;
    while (this.#count < wanted) {
      const { promise, resolve } = Promise.withResolvers<string>();
      this.#lines.once("line", resolve);
      const ended = this.#ended.then(() => assert.fail("the witness ended"));
      await Promise.race([promise, ended]);
    }
  }

  /** Lets it finish what it has begun; answers everything that was accepted. */
  async end(): Promise<readonly Accepted[]> {
    this.#child.kill("SIGTERM");
    await this.#ended;
    assert.equal(this.#child.exitCode, 0);
    const lines = readFileSync(this.#file, "utf8").trimEnd().split("\n");
    return lines.map((line) => JSON.parse(line) as Accepted);
  }
}
