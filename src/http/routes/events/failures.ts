import { z } from "zod";
import { topicFilter } from "../../../core/topic.ts";
import { GyreError } from "../../../errors.ts";
import { type ErrorFilter, type LoggedError, listErrors, redrive } from "../../../log/errors.ts";
import { importLines } from "../../../log/jsonl.ts";
import { readJson } from "../../../protocols/json-body.ts";
import type { Route, RouteCall } from "../../../protocols/protocol.ts";
import { type EventsOptions, get, JSON_TYPE, json, NDJSON, notUnderstood } from "./events.ts";

const FILTER_BYTES = 1024 * 1024;
const DEFAULT_ERRORS = 100;
/** Characters of one answer, at most, but for a failure that is longer by itself: each may quote megabytes. */
const MOST_QUOTED = 16 * 1024 * 1024;

const filterShape = {
  node: z.string().max(200).optional().describe("the node that could not apply it"),
  type: z.enum(["payload", "stac_server", "kafka", "unknown"]).optional(),
  topics: z.string().max(1000).optional().describe("topics of what failed, as a regular expression"),
  keyPrefix: z.string().max(1000).optional().describe("how the key of what failed begins: CMIP6/"),
  since: z.iso.datetime({ offset: true }).optional(),
};
const errorQuery = z.strictObject({ ...filterShape, limit: z.coerce.number().int().min(1).max(10_000).optional() });
const redriveBody = z
  .strictObject({
    ...filterShape,
    ids: z.array(z.string().max(500)).max(10_000).optional(),
    all: z.boolean().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, "name ids, a filter, or all: true");

/** Routes of what could not be applied, and of bringing events in. */
export function failureRoutes(options: EventsOptions): readonly Route[] {
  async function errors({ query, call }: RouteCall): Promise<Response> {
    const { limit = DEFAULT_ERRORS, ...filter } = query as z.output<typeof errorQuery>;
    const found: LoggedError[] = [];
    let quoted = 0;
    for await (const error of listErrors(await options.log(), filterOf(filter), call)) {
      found.push(error);
      quoted += lengthOf(error);
      // The newest are what people ask for.
      while (found.length > limit || (quoted > MOST_QUOTED && found.length > 1)) quoted -= lengthOf(found.shift()!);
    }
    return json({ errors: found });
  }

  async function redriven({ request, call }: RouteCall): Promise<Response> {
    const parsed = redriveBody.safeParse(await readJson(request, [JSON_TYPE], FILTER_BYTES));
    if (!parsed.success) throw notUnderstood(parsed.error);
    const { all: _all, ids, ...filter } = parsed.data;
    const asked = { ...filterOf(filter), ...(ids === undefined ? {} : { ids }) };
    return json(await redrive(await options.log(), asked, call, await options.deafness()));
  }

  async function imported({ request, call }: RouteCall): Promise<Response> {
    if (request.body === null) throw new GyreError("BadRequest", "the body has no lines");
    return json(await importLines(await options.log(), request.body, {}, call));
  }

  const order = (path: string, summary: string, handle: Route["handle"]): Route => ({
    method: "POST",
    path,
    summary,
    responses: { 200: { description: summary, types: [JSON_TYPE] }, 400: { description: "Not understood" } },
    role: "admin",
    handle,
  });
  /** What appends to the log. */
  const write = (path: string, summary: string, handle: Route["handle"]): Route =>
    order(path, summary, async (call) => {
      if (!options.isWritable) throw new GyreError("ReadOnly", "this node only follows others and takes no writes");
      return handle(call);
    });
  return [
    get("/events/errors", "What could not be applied, the newest last", JSON_TYPE, errors, { query: errorQuery }),
    write("/events/redrive", "Send failed messages again", redriven),
    write("/events/import", `Append the lines of an export or dump (${NDJSON})`, imported),
    order("/events/rebuild", "Make the catalogue again from the whole log", async ({ call }) => {
      await options.rebuild(call);
      return json({ rebuilding: true });
    }),
  ];
}

function lengthOf({ event: { original_payload, traceback, error } }: LoggedError): number {
  return original_payload.length + traceback.length + error.detail.length;
}

function filterOf({ topics, since, ...filter }: Omit<z.output<typeof errorQuery>, "limit">): ErrorFilter {
  const entries = Object.entries(filter).filter(([, value]) => value !== undefined);
  return {
    ...(Object.fromEntries(entries) as Pick<ErrorFilter, "node" | "type" | "keyPrefix">),
    ...(topics === undefined ? {} : { topics: topicFilter(topics) }),
    ...(since === undefined ? {} : { since: new Date(since) }),
  };
}
