import type { Access, Opened, RawChunk } from "../core/access.ts";
import { chunkGrid, type Dataset, inGrid } from "../core/array.ts";
import type { Call } from "../core/principal.ts";
import { type ErrorTag, GyreError } from "../errors.ts";
import { hidesFill } from "../write/zarr-v2.ts";
import { chunkReply, chunkTag, documentHeaders, sourceFault } from "./chunk-reply.ts";
import { type Conditions, conditionsOf, type Reply, toResponse } from "./conditional.ts";
import { documentReply } from "./document.ts";
import { datasetUrl, openDataset, type Protocol, type Route, type RouteCall } from "./protocol.ts";
import { ENCODER, type Published, publishedDataset } from "./published.ts";
import { parseView } from "./view.ts";
import { documentV2, documentV3 } from "./zarr-document.ts";
import { type ChunkKey, parseChunkV2, parseChunkV3 } from "./zarr-key.ts";

/** Faults that may pass; a chunk that does not decode (BadSource) stays broken. */
const FAULTS: readonly ErrorTag[] = ["Busy", "Conflict", "NotFound"];

/** Answers a key of the computed API over a dataset or a view of it; `codec` is that of the view. */
export async function computedReply(
  opened: Opened,
  key: string,
  codec: string | undefined,
  conditions: Conditions,
  access: Access,
  call: Call,
): Promise<Reply> {
  const { dataset } = opened;
  const inV2 = parseChunkV2(dataset, key);
  const inV3 = inV2 === undefined ? parseChunkV3(dataset, key) : undefined;
  if (inV2 !== undefined) return computedChunk(opened, key, inV2, 2, codec, conditions, access, call);
  if (inV3 !== undefined) return computedChunk(opened, key, inV3, 3, codec, conditions, access, call);
  const document =
    documentV2(withRefusal(publishedDataset(dataset, 2, codec), key), key) ??
    documentV3(withRefusal(publishedDataset(dataset, 3, codec), key), key);
  if (document !== undefined) return documentReply(document, conditions, documentHeaders(opened));
  throw noKey(dataset, key);
}

/** The published dataset, unless the key asks for a variable that was left out of it. */
function withRefusal({ dataset, refused }: Published, key: string): Dataset {
  const refusal = refused.get(key.slice(0, Math.max(key.lastIndexOf("/"), 0)));
  if (refusal !== undefined) throw refusal;
  return dataset;
}

async function computedChunk(
  opened: Opened,
  key: string,
  { variable, chunk }: ChunkKey,
  version: 2 | 3,
  codec: string | undefined,
  conditions: Conditions,
  access: Access,
  call: Call,
): Promise<Reply> {
  const { dataset } = opened;
  if (!inGrid(variable.spec, chunk)) throw outsideGrid(variable.name, chunkGrid(variable.spec), key);
  const form = publishedDataset(dataset, version, codec);
  const refusal = form.refused.get(variable.name);
  if (refusal !== undefined) throw refusal;
  const isStored = form.stored.has(variable.name);
  const stated = form.dataset.variables.get(variable.name)!.spec;

  const recoded = (): Promise<RawChunk> => access.recode(dataset, variable, chunk, stated.codecs, call);
  const read = async (): Promise<RawChunk | undefined> => {
    const written = isStored
      ? await access.raw(variable, chunk, call)
      : variable.read !== undefined || (await variable.locate(chunk, call)) !== undefined
        ? await recoded()
        : undefined;
    // In v3 the metadata always says what a chunk that is not there holds.
    return written ?? (version === 2 && hidesFill(stated) ? recoded() : undefined);
  };
  const tag = chunkTag(dataset, variable, isStored ? key : `${ENCODER}${codec ?? ""}/${key}`);
  let reply: Reply | undefined;
  try {
    reply = await chunkReply(opened, tag, conditions, read);
  } catch (error) {
    throw sourceFault(error, opened, call, FAULTS);
  }
  if (reply === undefined) throw new GyreError("NotFound", `chunk ${key} was never written`, { subject: key });
  return reply;
}

function outsideGrid(name: string, grid: readonly number[], key: string): GyreError {
  return new GyreError("NotFound", `${key} is outside the chunk grid of ${name}, which is ${grid.join(" x ")}`, {
    subject: key,
  });
}

/** Says what is wrong with a key: a variable with an impossible chunk index, or nothing that is there. */
function noKey(dataset: Dataset, key: string): GyreError {
  const match = /^(.+?)\/(?:c(?:\/.*)?|[^/]*)$/.exec(key);
  const variable = match === null ? undefined : dataset.variables.get(match[1] as string);
  if (variable === undefined || /\/(?:\.z\w*|zarr\.json)$/.test(key)) {
    return new GyreError("NotFound", `there is no key ${key}`, { subject: key });
  }
  const grid = chunkGrid(variable.spec);
  const forms = grid.length === 0 ? ["0", "c"] : [grid.map(() => "0").join("."), `c/${grid.map(() => "0").join("/")}`];
  return new GyreError(
    "BadRequest",
    `${key} names no chunk of ${variable.name}: its grid is ${grid.join(" x ") || "one chunk"}, keys are ${forms.join(" or ")} and on`,
    { subject: key, allowed: forms },
  );
}

const RESPONSES: Route["responses"] = {
  200: { description: "Metadata, or a chunk", types: ["application/json", "application/octet-stream"] },
  206: { description: "A range of it", types: ["application/octet-stream"] },
  304: { description: "The client has it" },
  400: { description: "Not a chunk index of the variable, or not a view; the detail says what is allowed" },
  404: { description: "No such dataset or key, or a chunk never written" },
  416: { description: "The range begins behind the end" },
  422: { description: "A type that Zarr clients do not share, or a codec that is not known here" },
  502: { description: "The source is broken" },
  503: { description: "The source cannot be read now" },
};

async function answer({ request, params, access, call }: RouteCall, view: string | undefined): Promise<Response> {
  const opened = await openDataset(access, params.id ?? "", call);
  const wanted = view === undefined ? undefined : parseView(view);
  const seen = wanted === undefined ? opened : { ...opened, dataset: await access.view(opened.dataset, wanted, call) };
  const key = params.key ?? "";
  return toResponse(await computedReply(seen, key, wanted?.codec, conditionsOf(request), access, call));
}

/** The computed API: any dataset as plain Zarr v2 and v3, and views of it. */
export const zarr: Protocol = {
  name: "zarr",
  summary: "Zarr v2 and v3 of every dataset, decoded and encoded again where that is needed; views",
  conformsTo: [],
  routes: [
    {
      method: "GET",
      path: "/datasets/:id/zarr/:key{.+}",
      summary: "Zarr v2 (.zmetadata, tas/0.0.0) and v3 (zarr.json, tas/c/0/0/0) keys",
      responses: RESPONSES,
      role: "read",
      handle: (call) => answer(call, undefined),
    },
    {
      method: "GET",
      path: "/datasets/:id/:view{zarr(?:@|%40)[^/]*}/:key{.+}",
      summary: "The same of a view: zarr@bbox=-10~35~30~60,time=2000~2001,vars=tas,keepbits=10",
      responses: RESPONSES,
      role: "read",
      handle: (call) => answer(call, (call.params.view ?? "").slice("zarr@".length)),
    },
  ],
  links: (id, _dataset, base) => [
    {
      rel: "data",
      href: datasetUrl(base, id, "zarr"),
      type: "application/vnd+zarr",
      title: "Decoded chunks (Zarr v2, v3)",
    },
  ],
};
