/** A run as a node shows it in lists. */
export interface RunSummary {
  readonly id: string;
  readonly flow: string;
  readonly state: string;
  readonly progress: { readonly percent?: number; readonly text?: string };
  readonly created: string;
  readonly ended?: string;
  readonly error?: Failure;
}

export interface RunDetail extends RunSummary {
  readonly parts: readonly Part[];
}

export interface Worker {
  readonly id: string;
  readonly host: string;
  readonly queues: readonly string[];
  readonly started: string;
}

interface Failure {
  readonly message: string;
}

interface Part {
  readonly name: string;
  readonly part: string;
  readonly state: string;
  readonly progress: RunSummary["progress"];
  readonly attempts: readonly { readonly number: number; readonly seconds?: number; readonly worker?: string }[];
  readonly error?: Failure;
  readonly logs: readonly { readonly time: string; readonly message: string }[];
}

/** Lines of a step's log that are shown; --json has all. */
const MOST_LOGS = 10;

/** A run in one line. */
export function runLine({ id, flow, state, progress, created, error }: RunSummary): string {
  return [id, flow, state, percentOf(progress), created, progress.text, error?.message].filter(Boolean).join("  ");
}

/** A run with its steps, a line each, and what they said last. */
export function runLines(run: RunDetail): readonly string[] {
  return [runLine(run), ...run.parts.flatMap(partLines)];
}

function partLines({ name, part, state, progress, attempts, error, logs }: Part): readonly string[] {
  const last = attempts.at(-1);
  const words = [
    `  ${[name, part].filter(Boolean).join(" ")}`,
    state,
    state === "running" && percentOf(progress),
    attempts.length > 1 && `try ${attempts.length}`,
    last?.seconds !== undefined && `${last.seconds} s`,
    last?.worker,
    state === "running" && progress.text,
    error?.message,
  ];
  const said = logs.slice(-MOST_LOGS).map(({ time, message }) => `    ${time}  ${message}`);
  return [words.filter(Boolean).join("  "), ...said];
}

function percentOf({ percent }: RunSummary["progress"]): string {
  return percent === undefined ? "" : `${Math.floor(percent)} %`;
}
