import { parseArgs } from "node:util";
import { GyreError } from "../errors.ts";
import { noAction } from "./actions.ts";
import type { Command, CommandIo } from "./command.ts";
import { ask, askJson, NODE_OPTIONS, throughAbsences } from "./events/node.ts";
import { plain } from "./plain.ts";

const PATH = "stac/subscriptions";

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly target: { readonly type: string; readonly url?: string; readonly name?: string };
  readonly notices: number;
  readonly delivered: number;
  readonly error: string | null;
}

interface Flags {
  readonly node: string;
  readonly json: boolean;
  readonly webhook: string | undefined;
  readonly topic: string | undefined;
  readonly search: string;
  readonly from: string;
  readonly after: string | undefined;
}

type Action = (id: string, flags: Flags, io: CommandIo) => Promise<number>;

const ACTIONS: Readonly<Record<string, Action>> = { list, add, show, resume, remove, tail };
/** They are about all. */
const WITHOUT_ID = new Set(["list", "add"]);

export const subscriptions: Command = {
  name: "subscriptions",
  summary: "searches that go on, and tell what becomes of the items that match",
  help: `gyre subscriptions ACTION [ID] [OPTIONS]

  list                 all of a node, the oldest first
  add                  subscribes to a search, and prints its id
  show ID              how far it is, and what went wrong
  resume ID            sends again after a pause
  remove ID            ends it
  tail ID              notices as they come, one JSON object a line; --after NUMBER goes on behind one

      --search JSON    the body of a POST /stac/search; default {}: everything
      --webhook URL    where notices are sent; GYRE_WEBHOOK_SECRET signs them
      --topic NAME     or a topic of the log that they go to; without both they are read with tail
      --from WHERE     now (the default), beginning, or a position of gyre events positions
      --node east|west|URL   default east (of the playground)
      --json           one JSON object a line

Example:
  gyre subscriptions add --search '{"collections":["CMIP6"]}' --webhook https://example.org/hook
  gyre subscriptions tail 01J9Z3`,

  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        node: NODE_OPTIONS.node,
        json: NODE_OPTIONS.json,
        webhook: { type: "string" },
        topic: { type: "string" },
        search: { type: "string", default: "{}" },
        from: { type: "string", default: "now" },
        after: { type: "string" },
      },
    });
    const [name = "", id = "", ...rest] = positionals;
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (action === undefined) throw noAction(name, ACTIONS);
    if (WITHOUT_ID.has(name) !== (id === "") || rest.length > 0) {
      throw new GyreError("BadRequest", `${name} takes ${WITHOUT_ID.has(name) ? "no" : "one"} id`);
    }
    return action(
      encodeURIComponent(id),
      { ...values, webhook: values.webhook, topic: values.topic, after: values.after },
      io,
    );
  },
};

async function list(_: string, { node, json }: Flags, io: CommandIo): Promise<number> {
  const { subscriptions: all } = await askJson<{ readonly subscriptions: readonly Shown[] }>(node, PATH, io.signal);
  for (const one of all) tell(one, json, io);
  if (all.length === 0 && !json) io.out("no subscriptions");
  return 0;
}

async function add(_: string, flags: Flags, io: CommandIo): Promise<number> {
  const { node, json, webhook, topic, from } = flags;
  if (webhook !== undefined && topic !== undefined) {
    throw new GyreError("BadRequest", "a subscription has one target: --webhook or --topic");
  }
  const { GYRE_WEBHOOK_SECRET: secret } = io.env;
  const signed = secret === undefined ? {} : { secret };
  const target =
    webhook !== undefined
      ? { type: "webhook", url: webhook, ...signed }
      : topic !== undefined
        ? { type: "topic", name: topic }
        : { type: "sse" };
  const made = await askJson<Shown>(node, PATH, io.signal, { search: searchOf(flags), target, from });
  io.out(json ? JSON.stringify(made) : made.id);
  return 0;
}

function searchOf({ search }: Flags): object {
  try {
    const body: unknown = JSON.parse(search);
    if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  } catch {
    // Told below.
  }
  throw new GyreError("BadRequest", "--search is no JSON object", { subject: "--search" });
}

async function show(id: string, { node, json }: Flags, io: CommandIo): Promise<number> {
  tell(await askJson<Shown>(node, `${PATH}/${id}`, io.signal), json, io);
  return 0;
}

async function resume(id: string, { node, json }: Flags, io: CommandIo): Promise<number> {
  tell(await askJson<Shown>(node, `${PATH}/${id}/resume`, io.signal, {}), json, io);
  return 0;
}

async function remove(id: string, { node }: Flags, io: CommandIo): Promise<number> {
  await ask(node, `${PATH}/${id}`, io.signal, { method: "DELETE" });
  return 0;
}

/** Until it is interrupted, or the subscription has ended. */
async function tail(id: string, { node, after }: Flags, io: CommandIo): Promise<number> {
  let last = after;
  await throughAbsences(node, io, async () => {
    const query = last === undefined ? "" : `?after=${encodeURIComponent(last)}`;
    const { body } = await ask(node, `${PATH}/${id}/stream${query}`, io.signal);
    for await (const line of linesOf(body, node, io.signal)) {
      if (line.startsWith("id: ")) last = line.slice("id: ".length);
      if (line.startsWith("data: ")) io.out(line.slice("data: ".length));
    }
  });
  return 0;
}

/** Whole lines of a reply. Throws Busy when it breaks off. */
async function* linesOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  node: string,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let rest = "";
  try {
    for await (const text of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() as string;
      yield* lines;
    }
  } catch (cause) {
    if (!signal.aborted) throw new GyreError("Busy", `${node} ended its reply`, { cause });
  }
}

function tell(one: Shown, isJson: boolean, io: CommandIo): void {
  if (isJson) {
    io.out(JSON.stringify(one));
    return;
  }
  const { id, state, target, notices, delivered, error } = one;
  const to = target.url ?? target.name;
  const where = to === undefined ? target.type : `${target.type} ${to}`;
  const trouble = error === null ? "" : `  ${error}`;
  io.out(plain(`${id}  ${state}  ${delivered} of ${notices} delivered  ${where}${trouble}`));
}
