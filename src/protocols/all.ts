import { z } from "zod";
import type { Access, Opened } from "../core/access.ts";
import type { Call } from "../core/principal.ts";
import { GyreError, isGyreError } from "../errors.ts";
import { documentsV2, ZGROUP } from "../write/zarr-v2.ts";
import { jsonResponse, jsonStream } from "./document.ts";
import type { Protocol, Route, RouteCall } from "./protocol.ts";
import { storedDataset } from "./published.ts";

/** One document over more datasets than this serves nobody. */
const MOST_DATASETS = 1000;
const prefix = z.strictObject({ prefix: z.string().optional() });

async function answer({ request, query, access, call }: RouteCall): Promise<Response> {
  const ids: string[] = [];
  for await (const id of access.list(call, query)) {
    if (ids.push(id) > MOST_DATASETS) {
      throw new GyreError(
        "TooLarge",
        `there are more than ${MOST_DATASETS} datasets: ask for those that begin alike with ?prefix=`,
        { subject: "prefix" },
      );
    }
  }
  return jsonStream(request, hierarchy(ids, access, call));
}

/** `.zmetadata` over all datasets, each below `{id}/kerchunk/`: the raw API answers the keys of the chunks. */
async function* hierarchy(ids: readonly string[], access: Access, call: Call): AsyncGenerator<string> {
  yield `{"metadata":{".zgroup":${JSON.stringify(ZGROUP)}`;
  for (const id of ids) {
    call.signal?.throwIfAborted();
    const opened = await readable(access, id, call);
    if (opened === undefined) continue;
    yield entry(`${id}/.zgroup`, ZGROUP);
    for (const [key, document] of documentsV2(storedDataset(opened.dataset))) {
      yield entry(`${id}/kerchunk/${key}`, document);
    }
  }
  yield `},"zarr_consolidated_format":1}`;
}

function entry(key: string, document: unknown): string {
  return `,${JSON.stringify(key)}:${JSON.stringify(document)}`;
}

/** A dataset that is broken, gone or out of reach does not stop the others. */
async function readable(access: Access, id: string, call: Call): Promise<Opened | undefined> {
  try {
    return await access.open(id, call);
  } catch (error) {
    if (isGyreError(error)) return undefined;
    throw error;
  }
}

const responses: Route["responses"] = {
  200: { description: "Zarr v2 metadata", types: ["application/json"] },
  413: { description: "More than 1,000 datasets: ask with ?prefix=" },
};

/** All datasets as one Zarr v2 hierarchy with the root `/datasets`. */
export const all: Protocol = {
  name: "all",
  summary: "One Zarr hierarchy over all datasets",
  conformsTo: [],
  routes: [
    {
      method: "GET",
      path: "/datasets/.zmetadata",
      summary: "Consolidated metadata of all datasets",
      query: prefix,
      responses,
      role: "read",
      handle: answer,
    },
    {
      method: "GET",
      path: "/datasets/.zgroup",
      summary: "The root group",
      responses: { 200: { description: "Zarr v2 metadata", types: ["application/json"] } },
      role: "read",
      handle: async ({ request }) => jsonResponse(request, ZGROUP),
    },
  ],
};
