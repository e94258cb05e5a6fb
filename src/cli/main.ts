import { isGyreError } from "../errors.ts";
import type { Command, CommandIo } from "./command.ts";

/** Each command loads only when it is called. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import("./serve.ts")).serve,
  inspect: async () => (await import("./inspect.ts")).inspect,
  index: async () => (await import("./index.ts")).index,
  generate: async () => (await import("./generate.ts")).generate,
  config: async () => (await import("./config.ts")).config,
};

/** Runs one command line, without the program's name. */
export async function main(argv: readonly string[], version: string, io: CommandIo): Promise<number> {
  const [name, ...rest] = argv;
  if (name === "--version" || name === "-V") {
    io.out(version);
    return 0;
  }
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    await printHelp(rest[0], io);
    return name === undefined ? 2 : 0;
  }
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
      io.err(`gyre ${name}: ${error.message}\nTry: gyre ${name} --help`);
      return 2;
    }
    if (!isGyreError(error)) throw error;
    io.err(`gyre ${name}: ${error.message}`);
    return error.tag === "BadRequest" ? 2 : 1;
  }
}

async function printHelp(name: string | undefined, io: CommandIo): Promise<void> {
  if (name !== undefined && Object.hasOwn(COMMANDS, name)) {
    io.out((await COMMANDS[name]!()).help);
    return;
  }
  io.out("gyre COMMAND [OPTIONS]: an Earth data node\n");
  for (const load of Object.values(COMMANDS)) {
    const command = await load();
    io.out(`  ${command.name.padEnd(10)} ${command.summary}`);
  }
  io.out("\nEvery command has --help with an example. `gyre --version` prints the version.");
}

/** What `parseArgs` of node:util throws for unknown or malformed options. */
function isUsageError(error: unknown): error is Error {
  return error instanceof TypeError && String((error as NodeJS.ErrnoException).code ?? "").startsWith("ERR_PARSE_ARGS");
}
