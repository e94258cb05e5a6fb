/** Where a command writes, and what stops it. */
export interface CommandIo {
  /** One line to standard output: results. */
  out(line: string): void;
  /** One line to standard error: progress, warnings, errors. */
  err(line: string): void;
  /** True when `err` goes to a terminal, so that progress may redraw its line. */
  readonly tty: boolean;
  /** Environment variables; read by `bin/` only. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** One `gyre` command. `run` answers the exit code: 0 ok, 1 failed, 2 bad usage. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Usage, options, and at least one example. */
  readonly help: string;
  run(argv: readonly string[], io: CommandIo): Promise<number>;
}
