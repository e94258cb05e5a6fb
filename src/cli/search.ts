import { parseArgs } from "node:util";
import type { StacItem, StacLink } from "../core/stac.ts";
import { GyreError } from "../errors.ts";
import type { Command, CommandIo } from "./command.ts";
import { ask, NODE_OPTIONS } from "./events/node.ts";

const DEFAULT_LIMIT = 10;

interface Found {
  readonly features: readonly StacItem[];
  readonly numberMatched?: number;
  readonly links: readonly StacLink[];
}

export const search: Command = {
  name: "search",
  summary: "search the catalogue of a node",
  help: `gyre search [WORDS...] [OPTIONS]

Prints the items of a node's catalogue that match: a line each, their ids first.

      --collection ID        repeatable
      --bbox W,S,E,N         degrees; west may be east of east, across the antimeridian
      --datetime TIME        an RFC 3339 time, or two with / between; .. is open
      --filter CQL2          cmip6:variable_id = 'tas' AND cmip6:experiment_id LIKE 'ssp%'
      --sortby=FIELDS        separated by commas; - in front: descending, as in --sortby=-size
      --limit N              default ${DEFAULT_LIMIT}
      --all                  all that match, as they come
      --count                only how many there are
      --node east|west|URL   default east (of the playground)
      --json                 the whole items, one a line

Example:
  gyre search precipitation --filter "cmip6:experiment_id = 'historical'" --limit 3`,

  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        node: NODE_OPTIONS.node,
        json: NODE_OPTIONS.json,
        collection: { type: "string", multiple: true, default: [] },
        bbox: { type: "string" },
        datetime: { type: "string" },
        filter: { type: "string" },
        sortby: { type: "string" },
        limit: { type: "string", default: String(DEFAULT_LIMIT) },
        all: { type: "boolean", default: false },
        count: { type: "boolean", default: false },
      },
    });
    const { collection, bbox, datetime, filter, sortby } = values;
    if (!/^[1-9]\d{0,4}$/.test(values.limit)) {
      throw new GyreError("BadRequest", `--limit ${JSON.stringify(values.limit)} is not a number from 1 to 99999`);
    }
    const query = new URLSearchParams();
    const given = { bbox, datetime, filter, sortby, q: positionals.join(" ") || undefined };
    for (const [name, value] of Object.entries(given)) if (value !== undefined) query.set(name, value);
    if (collection.length > 0) query.set("collections", collection.join(","));
    if (values.count) return count(values.node, query, io);
    if (values.all) return all(values.node, query, values.json, io);
    return some(values.node, query, Number(values.limit), values.json, io);
  },
};

/** So many items, in as many pages as the node makes of them: one of large items ends before its limit. */
async function some(
  node: string,
  query: URLSearchParams,
  limit: number,
  isJson: boolean,
  io: CommandIo,
): Promise<number> {
  let shown = 0;
  let matched: number | undefined;
  for (let isMore = true; isMore && shown < limit; ) {
    query.set("limit", String(limit - shown));
    const { features, numberMatched, links } = await answer(node, query, io);
    for (const item of features) io.out(isJson ? JSON.stringify(item) : said(item));
    shown += features.length;
    matched ??= numberMatched;
    const next = links.find(({ rel }) => rel === "next")?.href ?? "";
    const token = URL.parse(next)?.searchParams.get("token") ?? "";
    isMore = features.length > 0 && token !== "";
    query.set("token", token);
  }
  if (!isJson && matched !== undefined) io.err(`${shown} of ${matched}`);
  return 0;
}

async function count(node: string, query: URLSearchParams, io: CommandIo): Promise<number> {
  query.set("limit", "1");
  const { numberMatched } = await answer(node, query, io);
  if (numberMatched === undefined) throw new GyreError("Busy", "there are too many to be counted in time");
  io.out(String(numberMatched));
  return 0;
}

async function answer(node: string, query: URLSearchParams, io: CommandIo): Promise<Found> {
  return (await (await ask(node, `stac/search?${query}`, io.signal)).json()) as Found;
}

/** Items as they come, however many. */
async function all(node: string, query: URLSearchParams, isJson: boolean, io: CommandIo): Promise<number> {
  query.set("f", "ndjson");
  const response = await ask(node, `stac/search?${query}`, io.signal);
  const text = response.body?.pipeThrough(new TextDecoderStream());
  let rest = "";
  for await (const part of text ?? []) {
    const lines = (rest + part).split("\n");
    rest = lines.pop() as string;
    for (const line of lines) io.out(isJson ? line : said(JSON.parse(line) as StacItem));
  }
  return 0;
}

function said({ id, collection, properties }: StacItem): string {
  const { datetime, start_datetime: start, end_datetime: end } = properties;
  const time = datetime ?? [start, end].filter((one) => typeof one === "string").join("/");
  return `${collection ?? "-"}/${id}  ${time}`;
}
