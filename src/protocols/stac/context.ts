import type { Catalog, Writes } from "../../catalog/catalog.ts";
import type { Languages } from "./language.ts";
import { stacUrl } from "./links.ts";

/** What the routes of a catalogue work with. */
export interface StacOptions {
  readonly catalog: Catalog;
  /** The door; absent on a node that only follows. */
  readonly writes?: Writes;
  readonly id?: string;
  readonly title?: string;
  readonly description?: string;
  /** Default: English alone. */
  readonly languages?: Languages;
  /** Bytes of a body that is sent, at most. */
  readonly bodyBytes: number;
}

/** A request's address as the client must write it. */
export function selfUrl(request: Request, base: URL): URL {
  const { pathname, search } = new URL(request.url);
  const below = pathname.slice(pathname.indexOf("/stac") + "/stac".length);
  return new URL(`${stacUrl(base)}${below}${search}`);
}
