import { parseArgs } from "node:util";
import { eventData } from "../../client/server-sent-events.ts";
import { GyreError } from "../../errors.ts";
import type { CommandIo } from "../command.ts";
import { ask, askJson } from "../events/node.ts";
import { type RunDetail, type RunSummary, runLine, runLines, type Worker } from "./lines.ts";

const OPTIONS = {
  node: { type: "string", default: "http://127.0.0.1:8080/" },
  json: { type: "boolean", default: false },
} as const;
const WATCHED = { ...OPTIONS, watch: { type: "boolean", short: "w", default: false } } as const;

/** `gyre flows list`: runs, the newest first. */
export async function list(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      ...OPTIONS,
      flow: { type: "string" },
      state: { type: "string" },
      limit: { type: "string" },
      children: { type: "boolean" },
    },
  });
  const { flow, state, limit, children } = values;
  const wanted = { flow, state, limit, children: children === true ? "true" : undefined };
  const given = Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const query = new URLSearchParams(given);
  const { runs } = await askJson<{ runs: readonly RunSummary[] }>(values.node, `flows?${query}`, io.signal);
  for (const run of runs) io.out(values.json ? JSON.stringify(run) : runLine(run));
  if (runs.length === 0 && !values.json) io.out("no runs");
  return 0;
}

/** `gyre flows show`: a run as it is, or until it ends. */
export async function show(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: WATCHED });
  const path = pathOf(positionals);
  if (values.watch) return watch(values.node, path, values.json, io);
  tell(await askJson<RunDetail>(values.node, path, io.signal), values.json, io);
  return 0;
}

/** `gyre flows cancel`: stops a run and its children. */
export function cancel(argv: readonly string[], io: CommandIo): Promise<number> {
  return act("cancel", argv, io);
}

/** `gyre flows retry`: runs again from the first step that failed. */
export function retry(argv: readonly string[], io: CommandIo): Promise<number> {
  return act("retry", argv, io);
}

/** `gyre flows delete`: forgets a run that has ended. */
export async function forget(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: OPTIONS });
  await ask(values.node, pathOf(positionals), io.signal, { method: "DELETE" });
  return 0;
}

/** `gyre flows workers`: who works on flows. */
export async function workers(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: OPTIONS });
  const { workers: found } = await askJson<{ workers: readonly Worker[] }>(values.node, "flows/workers", io.signal);
  for (const worker of found) {
    const { id, host, queues, started } = worker;
    io.out(values.json ? JSON.stringify(worker) : `${id}  ${host}  since ${started}  ${queues.join(", ")}`);
  }
  if (found.length === 0 && !values.json) io.out("no workers");
  return 0;
}

async function act(action: "cancel" | "retry", argv: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...argv], allowPositionals: true, options: WATCHED });
  const path = pathOf(positionals);
  const run = await askJson<RunDetail>(values.node, `${path}/${action}`, io.signal, {});
  if (!values.watch) {
    io.out(values.json ? JSON.stringify(run) : runLine(run));
    return 0;
  }
  const code = await watch(values.node, path, values.json, io);
  return action === "cancel" ? 0 : code;
}

/** Tells what changes until the run ends; 0 when it succeeded. */
async function watch(node: string, path: string, isJson: boolean, io: CommandIo): Promise<number> {
  const { body } = await ask(node, `${path}/events`, io.signal);
  let last: RunDetail | undefined;
  let said = "";
  for await (const data of eventData(body ?? new Response("").body!)) {
    last = JSON.parse(data) as RunDetail;
    const line = isJson ? data : runLine(last);
    if (line !== said) io.out(line);
    said = line;
  }
  if (last?.ended === undefined) throw new GyreError("Busy", "the node ended the stream before the run has ended");
  if (!isJson) tell(last, false, io);
  return last.state === "succeeded" ? 0 : 1;
}

function tell(run: RunDetail, isJson: boolean, io: CommandIo): void {
  for (const line of isJson ? [JSON.stringify(run)] : runLines(run)) io.out(line);
}

function pathOf([id, ...more]: readonly string[]): string {
  if (id === undefined || more.length > 0) throw new GyreError("BadRequest", "name one run; gyre flows list has them");
  return `flows/${encodeURIComponent(id)}`;
}
