import { eventData } from "../../client/server-sent-events.ts";
import type { CommandIo } from "../command.ts";
import { ask } from "../events/node.ts";
import type { JobFlags } from "./job.ts";

/** What is needed of a run as `/flows/{id}` shows it. */
interface RunShown {
  readonly id: string;
  readonly state: "queued" | "running" | "succeeded" | "failed" | "cancelled";
  readonly progress: { readonly percent?: number; readonly text?: string };
  readonly output?: unknown;
  readonly error?: { readonly message: string };
}

/** Starts a flow of a node as a process, and waits for its end where that is wanted. */
export async function runProcess(
  node: URL,
  flow: string,
  inputs: object,
  flags: JobFlags,
  io: CommandIo,
): Promise<number> {
  const started = await ask(node.href, `ogcapi/processes/${flow}/execution`, io.signal, {
    method: "POST",
    headers: { "Content-Type": "application/json", Prefer: "respond-async" },
    body: JSON.stringify({ inputs }),
  });
  const { jobID: id } = (await started.json()) as { readonly jobID: string };
  if (flags.json) io.out(JSON.stringify({ run: id }));
  else if (!flags.watch) io.out(id);
  if (!flags.watch) return 0;
  const last = await watchRun(node, id, flags, io);
  if (last === undefined || last.state !== "succeeded") {
    io.err(`run ${id} ${last?.state ?? "is not told of any more"}: ${last?.error?.message ?? ""}`);
    return 1;
  }
  const output = last.output as { readonly failures?: readonly string[] };
  if (!flags.json) io.out(JSON.stringify(output));
  return (output.failures?.length ?? 0) > 0 ? 1 : 0;
}

async function watchRun(node: URL, id: string, flags: JobFlags, io: CommandIo): Promise<RunShown | undefined> {
  const path = `flows/${encodeURIComponent(id)}/events`;
  const { body } = await ask(node.href, path, io.signal, { headers: { Accept: "text/event-stream" } });
  let last: RunShown | undefined;
  let told = "";
  for await (const data of eventData(body ?? new ReadableStream())) {
    last = JSON.parse(data) as RunShown;
    const { percent = 0, text = "" } = last.progress;
    if (flags.json) io.out(JSON.stringify({ run: id, state: last.state, percent, text }));
    const line = `${String(Math.floor(percent)).padStart(3)} % ${text}`;
    if (!flags.json && io.tty && line !== told) io.err(line);
    told = line;
  }
  return last;
}
