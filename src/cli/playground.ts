import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { GyreError } from "../errors.ts";
import type { Command, CommandIo } from "./command.ts";
import { type RunningNode, startNode } from "./playground/nodes.ts";
import { type PlannedNode, type PlanOptions, planned } from "./playground/plan.ts";

/** Of all nodes together: beyond it something is wrong that a start does not mend. */
const MOST_RESTARTS = 10;

export const playground: Command = {
  name: "playground",
  summary: "three nodes and their event stream: publish at one, search at all",
  help: `gyre playground [SOURCE...] [OPTIONS]

Starts the founding system's playground, a process for each node: east and west follow all topics and take writes,
secondary follows .*\\.historical\\..* and takes none. One event log feeds all three. A node that ends is started again.
Ctrl-C stops everything; what was published is there again at the next start.

  SOURCE                 what east serves besides, as with gyre serve
      --database URL     a PostgreSQL server, postgres://...; without it a private one is started
      --kafka BROKERS    the event log in Apache Kafka: host:port, or several between commas
      --port PORT        first port (default 9010: nodes at 9010, 9014 and 9012; 0: any free ones)
      --data-dir FOLDER  where everything is kept (default .gyre/playground)
      --east FILE        further settings of east, as gyre.yaml has them: processors, say
      --json             one JSON line per event: node, ready

Example:
  gyre playground
  gyre generate 1000 --node east --publish
  curl 'http://127.0.0.1:9014/stac/search?limit=1'`,

  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        database: { type: "string" },
        kafka: { type: "string" },
        port: { type: "string", default: "9010" },
        "data-dir": { type: "string", default: ".gyre/playground" },
        east: { type: "string" },
        json: { type: "boolean", default: false },
      },
    });
    const options: PlanOptions = {
      port: portOf(values.port),
      dataDir: resolve(values["data-dir"]),
      database: values.database,
      kafka: values.kafka === undefined ? undefined : `kafka://${values.kafka.replace(/^kafka:\/\//, "")}`,
      sources: positionals,
      east: values.east === undefined ? undefined : await settingsIn(values.east),
    };
    const nodes: RunningNode[] = [];
    const start = (plan: PlannedNode): Promise<RunningNode> =>
      startNode(plan, options, { ...io, program: program(), env: envOf(io) });
    try {
      for (const plan of planned(options)) nodes.push(await start(plan));
      tell(nodes, options, values.json, io);
      const interrupt = interrupted(io.signal);
      for (let restarts = 0; ; restarts++) {
        const fallen = await Promise.race([interrupt, ...nodes.map((node) => node.ended.then(() => node))]);
        if (fallen === undefined) return 0;
        const { name } = fallen.plan;
        if (restarts === MOST_RESTARTS) {
          io.err(`gyre playground: ${name} has ended, and nodes did so ${restarts} times before; all are stopped`);
          return 1;
        }
        io.err(`gyre playground: ${name} has ended; it is started again`);
        nodes.splice(nodes.indexOf(fallen), 1);
        const again = await start(samePorts(fallen));
        nodes.push(again);
        if (values.json) io.out(nodeEvent(again));
      }
    } finally {
      await Promise.all(nodes.map((node) => node.stop()));
    }
  },
};

/** What a file says, which the node that gets it checks. */
async function settingsIn(path: string): Promise<Readonly<Record<string, unknown>>> {
  const settings: unknown = parse(await readFile(path, "utf8"));
  if (typeof settings === "object" && settings !== null && !Array.isArray(settings)) return { ...settings };
  throw new GyreError("BadRequest", `${path} is no mapping of keys to values`, { source: path });
}

/** This very program. */
function program(): string[] {
  return [process.execPath, ...process.execArgv, process.argv[1] as string];
}

/** Settings of this process are not those of its nodes. */
function envOf({ env }: CommandIo): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("GYRE_")));
}

function tell(nodes: readonly RunningNode[], options: PlanOptions, isJson: boolean, io: CommandIo): void {
  if (isJson) {
    for (const node of nodes) io.out(nodeEvent(node));
    io.out(JSON.stringify({ event: "ready" }));
    return;
  }
  const rows = [
    ["node", "STAC API", "pages", "ingest", "follows"],
    ...nodes.map(({ plan, addresses: { node, pages, ingest } }) => {
      return [plan.name, `${node}stac`, pages ?? "-", ingest ?? "none: read only", plan.topics];
    }),
  ];
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  for (const row of rows)
    io.out(
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join("  ")
        .trimEnd(),
    );
  io.out(`\nevent log: ${options.kafka ?? "PostgreSQL"}, at ${nodes[0]!.addresses.node}events`);
  io.out("Publish:   gyre generate 1000 --node east --publish");
}

function nodeEvent({ plan, pid, addresses }: RunningNode): string {
  return JSON.stringify({ event: "node", name: plan.name, pid, ...addresses });
}

/** Whoever knows a node finds it where it was. */
function samePorts({ plan, addresses: { node, pages, ingest } }: RunningNode): PlannedNode {
  const portIn = (url: string): number => Number(new URL(url).port);
  return {
    ...plan,
    port: portIn(node),
    ...(pages === undefined ? {} : { pages: portIn(pages) }),
    ...(ingest === undefined ? {} : { ingest: portIn(ingest) }),
  };
}

function interrupted(signal: AbortSignal): Promise<undefined> {
  return new Promise((done) => {
    if (signal.aborted) done(undefined);
    else signal.addEventListener("abort", () => done(undefined), { once: true });
  });
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && (port === 0 || (port >= 1024 && port <= 65_000))) return port;
  throw new GyreError("BadRequest", `--port ${JSON.stringify(text)} is not 0 or a number from 1024 to 65000`, {
    subject: "--port",
  });
}
