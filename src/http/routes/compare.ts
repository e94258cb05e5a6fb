import { z } from "zod";
import { type Healing, ITSELF, MOST_SUSPECTS } from "../../catalog/compare/healing.ts";
import { type HashTree, LONGEST_PREFIX } from "../../catalog/compare/tree.ts";
import { GyreError } from "../../errors.ts";
import { readJson } from "../../protocols/json-body.ts";
import type { Protocol, Route, RouteCall } from "../../protocols/protocol.ts";

export interface CompareOptions {
  tree(): Promise<HashTree>;
  healing(): Promise<Healing>;
}

const JSON_TYPE = "application/json";
const BODY_BYTES = 4 * 1024 * 1024;

const compareQuery = z.strictObject({
  prefix: z.string().max(LONGEST_PREFIX).optional().describe("digits of paths; the whole tree without it"),
});
const theirs = z.string().max(500).optional();
const healBody = z
  .strictObject({
    document: z.strictObject({ theirs }).optional(),
    items: z
      .array(z.strictObject({ id: z.string().min(1).max(1024), theirs }))
      .max(MOST_SUSPECTS)
      .default([]),
    dryRun: z.boolean().default(false),
  })
  .refine(({ document, items }) => document !== undefined || items.length > 0, "names nothing to heal");

/** What two nodes need to find the items that they do not have alike, and to mend them. */
export function createCompare(options: CompareOptions): Protocol {
  async function catalogue({ query: { prefix = "" }, call }: RouteCall): Promise<Response> {
    return json({ prefix, ...(await (await options.tree()).catalogue(prefix, call)) });
  }

  async function compared({ params, query, call }: RouteCall): Promise<Response> {
    const { collection = "" } = params;
    const node = await (await options.tree()).node(collection, query.prefix ?? "", call);
    if (node === undefined) {
      throw new GyreError("NotFound", `there is no collection ${collection}`, { subject: collection });
    }
    return json({ collection, prefix: query.prefix ?? "", ...node });
  }

  async function healed({ request, params, call }: RouteCall): Promise<Response> {
    const parsed = healBody.safeParse(await readJson(request, [JSON_TYPE], BODY_BYTES));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new GyreError("BadRequest", `${issue?.path.join(".") || "the body"}: ${issue?.message}`);
    }
    const { document, items, dryRun } = parsed.data;
    const named = document === undefined ? items : [{ ...document, id: ITSELF }, ...items];
    const suspects = named.map(({ id, theirs }) => ({ id, ...(theirs === undefined ? {} : { theirs }) }));
    const healed = await (await options.healing()).heal(params.collection ?? "", suspects, dryRun, call);
    if (document === undefined) return json({ items: healed });
    return json({ document: healed[0], items: healed.slice(1) });
  }

  const responses = (description: string): Route["responses"] => ({
    200: { description, types: [JSON_TYPE] },
    400: { description: "Not understood" },
    404: { description: "There is no such collection" },
  });
  return {
    name: "compare",
    summary: "Hashes of collections, by which two nodes find what they do not have alike",
    conformsTo: [],
    routes: [
      {
        method: "GET",
        path: "/stac/compare",
        summary: "Hashes of the collections below a prefix; the collections themselves where there are few",
        query: compareQuery,
        responses: responses("One node of the tree"),
        role: "read",
        handle: catalogue,
      },
      {
        method: "GET",
        path: "/stac/collections/:collection/compare",
        summary: "Hashes of the items below a prefix; the items themselves where there are few",
        query: compareQuery,
        responses: responses("One node of the tree"),
        role: "read",
        handle: compared,
      },
      {
        method: "POST",
        path: "/stac/collections/:collection/heal",
        summary: "Make items, and the collection's document, what the log of this node says they are",
        responses: responses("What became of each"),
        role: "admin",
        handle: healed,
      },
    ],
  };
}

function json(value: object): Response {
  return new Response(JSON.stringify(value), { headers: { "Content-Type": JSON_TYPE, "Cache-Control": "no-store" } });
}
