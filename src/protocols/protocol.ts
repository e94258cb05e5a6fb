import type { z } from "zod";
import type { Access, Opened } from "../core/access.ts";
import type { Dataset } from "../core/array.ts";
import type { Call } from "../core/principal.ts";
import { GyreError } from "../errors.ts";

/** One link that a dataset page or a catalogue may show. */
export interface Link {
  readonly rel: string;
  readonly href: string;
  readonly type: string;
  readonly title: string;
}

/** What a handler gets. Path parameters and query have passed the route's schemas. */
export interface RouteCall<Params = Record<string, string>, Query = Record<string, string>> {
  readonly request: Request;
  readonly params: Params;
  readonly query: Query;
  readonly access: Access;
  readonly call: Call;
  /** The node's address as this client must write it (`publicUrl` or trusted forwarding headers), ending in `/`. */
  readonly base: URL;
}

/**
 * One route. `path` is in Hono's syntax below the node's root: `/datasets/:id/zarr/:key{.+}`. From these
 * declarations the OpenAPI document and the role-by-route test are generated.
 */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly summary: string;
  /** Path parameters are decoded once and are always text; the schema narrows them. */
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  /** What it takes, by media type: for the description alone, the route reads its body itself. */
  readonly body?: { readonly [type: string]: z.ZodType };
  /** What it answers, by status: description and media types. */
  readonly responses: {
    readonly [status: number]: { readonly description: string; readonly types?: readonly string[] };
  };
  /** `read` routes also answer HEAD. */
  readonly role: "read" | "write" | "admin";
  handle(call: RouteCall): Promise<Response>;
}

export interface Protocol {
  readonly name: string;
  readonly summary: string;
  /** URIs of the conformance classes that the routes keep. */
  readonly conformsTo: readonly string[];
  readonly routes: readonly Route[];
  /** Links to one dataset through this protocol. */
  links?(id: string, dataset: Dataset, base: URL): readonly Link[];
  /** Turns an error into this protocol's own document; undefined: problem+json. */
  error?(error: unknown, request: Request): Response | undefined;
}

/** Opens the dataset that a route names. Throws NotFound when there is none for this principal. */
export async function openDataset(access: Access, id: string, call: Call): Promise<Opened> {
  const opened = await access.open(id, call);
  if (opened === undefined) throw new GyreError("NotFound", `there is no dataset ${id}`, { subject: id });
  return opened;
}

/** The address of something below a dataset. */
export function datasetUrl(base: URL, id: string, path: string): string {
  return `${base.href}datasets/${encodeURIComponent(id)}/${path}`;
}
