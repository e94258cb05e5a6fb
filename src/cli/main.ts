import { isGyreError } from "../errors.ts";
import type { Command, CommandIo } from "./command.ts";

/** Each command loads only when it is called. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import("./serve.ts")).serve,
  inspect: async () => (await import("./inspect.ts")).inspect,
  index: async () => (await import("./index.ts")).index,
  publish: async () => (await import("./publish.ts")).publish,
  update: async () => (await import("./update.ts")).update,
  retract: async () => (await import("./retract.ts")).retract,
  replicate: async () => (await import("./replicate.ts")).replicate,
  generate: async () => (await import("./generate.ts")).generate,
  playground: async () => (await import("./playground.ts")).playground,
  schemas: async () => (await import("./schemas.ts")).schemas,
  search: async () => (await import("./search.ts")).search,
  events: async () => (await import("./events.ts")).events,
  subscriptions: async () => (await import("./subscriptions.ts")).subscriptions,
  boundaries: async () => (await import("./boundaries.ts")).boundaries,
  flows: async () => (await import("./flows.ts")).flows,
  package: async () => (await import("./package.ts")).packageCommand,
  worker: async () => (await import("./worker.ts")).worker,
  config: async () => (await import("./config.ts")).config,
};

/** Runs one command line, without the program's name. */
export async function main(argv: readonly string[], version: string, io: CommandIo): Promise<number> {
  const [name, ...rest] = argv;
  if (name === "--version" || name === "-V") {
    io.out(version);
    return 0;
  }
  if (name === undefined || name === "--help" || name === "-h" || (name === "help" && rest.length === 0)) {
    await printHelp(io);
    return name === undefined ? 2 : 0;
  }
  if (name === "help") return main([...rest.slice(0, 1), "--help"], version, io);
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) {
    io.err(`gyre: there is no command ${JSON.stringify(name)}; try: ${Object.keys(COMMANDS).join(", ")}`);
    return 2;
  }
  const command = await load();
  if (rest.includes("--help") || rest.includes("-h")) {
    io.out(command.help);
    return 0;
  }
  try {
    return await command.run(rest, io);
  } catch (error) {
    if (io.signal.aborted) return 0;
    if (isUsageError(error)) {
      // What `parseArgs` adds behind the first sentence is advice for other programs.
      io.err(`gyre ${name}: ${error.message.split(". To specify")[0]}\nTry: gyre ${name} --help`);
      return 2;
    }
    // What the system refuses (a port below 1024, a full disk) is said as it says it; anything else is a fault of ours.
    if (!isGyreError(error) && !isSystemError(error)) throw error;
    const isUsage = isGyreError(error, "BadRequest");
    const allowed = isUsage ? error.details.allowed : undefined;
    io.err(`gyre ${name}: ${error.message}${allowed === undefined ? "" : `; there is: ${allowed.join(", ")}`}`);
    return isUsage ? 2 : 1;
  }
}

async function printHelp(io: CommandIo): Promise<void> {
  io.out("gyre COMMAND [OPTIONS]: an Earth data node\n");
  for (const load of Object.values(COMMANDS)) {
    const command = await load();
    io.out(`  ${command.name.padEnd(13)} ${command.summary}`);
  }
  io.out("\nEvery command has --help with an example. `gyre --version` prints the version.");
}

/** What `parseArgs` of node:util throws for unknown or malformed options. */
function isUsageError(error: unknown): error is Error {
  return error instanceof TypeError && String((error as NodeJS.ErrnoException).code ?? "").startsWith("ERR_PARSE_ARGS");
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string";
}
