import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import type { Config } from "../config.ts";
import { GyreError } from "../errors.ts";
import { createNode } from "../node.ts";
import type { Command, CommandIo } from "./command.ts";
import { here, SOURCE_HELP, SOURCE_OPTIONS, settingsOf } from "./settings.ts";

const OPTIONS = {
  ...SOURCE_OPTIONS,
  queues: { type: "string", short: "q" },
  concurrency: { type: "string" },
  "recycle-after": { type: "string" },
  "data-dir": { type: "string" },
  database: { type: "string" },
  once: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
} as const;

/** To be started anew (EX_TEMPFAIL of sysexits.h). */
const WORN = 75;

export const worker: Command = {
  name: "worker",
  summary: "work on flows in a process of its own, on this host or another one",
  help: `gyre worker [OPTIONS]

Takes steps of runs from the database of a node and works on them. Any number may do so at once, on any host that
reaches the database, the sources and the storage of packages; they need the configuration of the node. With the private
database of a node it works beside that node, on the same host.

  -q, --queues A,B       work queues (default: flows.listen, or all)
      --concurrency N    steps at once (default: flows.concurrency)
      --recycle-after N  goes on in a fresh process after so many steps; also when steps held more memory than
                         flows.memory allows
      --once             ends with code ${WORN} instead: for supervisors that start it anew
      --data-dir FOLDER  of the node (default .gyre)
      --database URL     postgres://... (default: as configured)
${SOURCE_HELP}
      --json             one JSON line per event: working, worn, ended

SIGTERM: no more steps are taken; those that run may end, or are left to other workers.
Exit codes: 0 it was asked to end; 1 it cannot work; 2 wrong usage.

Example:
  gyre worker --queues core,idf --concurrency 4`,

  async run(argv, io) {
    const { values } = parseArgs({ args: [...argv], options: OPTIONS });
    const settings = await settingsOf(values, io);
    const config = withFlags(settings.config, values);
    if (config.database === "none") throw new GyreError("BadRequest", "flows need a database: this node has none");
    return values.once ? work(config, settings.folder, values.json, io) : supervise(argv, io);
  },
};

type Flags = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>["values"];

function withFlags(base: Config, flags: Flags): Config {
  const { queues, concurrency, database, "recycle-after": steps, "data-dir": dataDir } = flags;
  if (database !== undefined && !/^postgres(ql)?:\/\//.test(database)) {
    throw new GyreError("BadRequest", `--database ${JSON.stringify(database)} is not a postgres:// address`);
  }
  return {
    ...base,
    ...(database === undefined ? {} : { database }),
    ...(dataDir === undefined ? {} : { dataDir: here(dataDir) }),
    flows: {
      ...base.flows,
      ...(queues === undefined ? {} : { listen: queues.split(",").map((name) => name.trim()) }),
      ...(concurrency === undefined ? {} : { concurrency: countOf("--concurrency", concurrency, 256) }),
      ...(steps === undefined ? {} : { recycleAfter: countOf("--recycle-after", steps, 1_000_000_000) }),
    },
  };
}

function countOf(option: string, text: string, most: number): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= most) return count;
  throw new GyreError("BadRequest", `${option} ${JSON.stringify(text)} is not a number from 1 to ${most}`);
}

/** Works in this process. */
async function work(config: Config, folder: string, isJson: boolean, io: CommandIo): Promise<number> {
  const say = (event: string, more: object, text: string): void =>
    io.out(isJson ? JSON.stringify({ event, pid: process.pid, ...more }) : text);
  const node = await createNode(config, {
    folder,
    isWorker: true,
    onNotice: (message) => io.err(message),
    onError: (error, where) =>
      io.err(`gyre worker: ${where}: ${error instanceof Error ? error.message : String(error)}`),
  });
  try {
    await node.scan(io.signal);
    const { listen, concurrency } = config.flows;
    const reason = await node.work(io.signal, () =>
      say(
        "working",
        { queues: listen ?? "all", concurrency },
        `Works on ${listen === undefined ? "all queues" : listen.join(", ")}, ${concurrency} steps at once`,
      ),
    );
    if (reason === undefined) say("ended", {}, "Ended");
    else say("worn", { reason }, `Worn: ${reason}`);
    return reason === undefined ? 0 : WORN;
  } finally {
    await node.close();
  }
}

/** Works in a child process, and in a fresh one whenever that is worn. */
async function supervise(argv: readonly string[], io: CommandIo): Promise<number> {
  const [program, ...before] = [process.execPath, ...process.execArgv, process.argv[1] as string] as const;
  for (;;) {
    const child = spawn(program, [...before, "worker", ...argv, "--once"], {
      // The channel closes when this process ends, even by SIGKILL; the child then ends too.
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      // An interrupt of the terminal is for this process, which passes it on.
      detached: true,
      env: { ...io.env },
    });
    const stop = (): void => void child.kill("SIGTERM");
    io.signal.addEventListener("abort", stop, { once: true });
    if (io.signal.aborted) stop();
    const code = await new Promise<number>((done, failed) => {
      child.once("error", failed);
      child.once("exit", (ended, signal) => done(ended ?? (signal === null ? 1 : 128)));
    });
    io.signal.removeEventListener("abort", stop);
    if (code !== WORN || io.signal.aborted) return io.signal.aborted ? 0 : code;
  }
}
