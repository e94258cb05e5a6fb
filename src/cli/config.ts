import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { configJsonSchema, loadConfig } from "../config.ts";
import { isGyreError } from "../errors.ts";
import type { Command } from "./command.ts";

/** Words whose values are not shown. */
const SECRET = /secret|password|token/i;

export const config: Command = {
  name: "config",
  summary: "check a configuration, or print its JSON Schema",
  help: `gyre config check [FILE]     say what gyre.yaml comes to, with defaults, or what is wrong with it
gyre config schema           print the JSON Schema of gyre.yaml, for editors

      --json             print the configuration as JSON on one line

Example:
  gyre config check gyre.yaml`,

  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: { json: { type: "boolean" } },
      allowPositionals: true,
    });
    const [action, file = "gyre.yaml", ...more] = positionals;
    if (action === "schema" && positionals.length === 1) {
      io.out(JSON.stringify(configJsonSchema(), null, values.json ? 0 : 2));
      return 0;
    }
    if (action !== "check" || more.length > 0) {
      io.err("gyre config takes check [FILE] or schema; try: gyre config --help");
      return 2;
    }
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      io.err(`gyre config: ${file}: ${error.message}`);
      return undefined;
    });
    if (text === undefined) return 1;
    const hidden = (key: string, value: unknown): unknown => {
      if (SECRET.test(key) && value !== undefined) return "***";
      return typeof value === "string" ? value.replace(/(:\/\/[^/@:]*):[^@/]*@/, "$1:***@") : value;
    };
    try {
      io.out(JSON.stringify(loadConfig(text, io.env), hidden, values.json ? 0 : 2));
      return 0;
    } catch (error) {
      if (!isGyreError(error)) throw error;
      io.err(`${file}: ${error.message}`);
      return 1;
    }
  },
};
