import type { Json } from "../../core/array.ts";
import type { Link, Protocol } from "../protocol.ts";

/** What programs find at the node's root: links to everything else, as OGC API and STAC landing pages have them. */
export function landing(protocols: readonly Protocol[], version: string, base: URL): Json {
  const link = (rel: string, path: string, type: string, title: string): Json & Link => {
    return { rel, href: `${base.href}${path}`, type, title };
  };
  return {
    title: "Gyre",
    description: "An Earth data node: archives served as they lie on disk",
    version,
    conformsTo: [...new Set(protocols.flatMap(({ conformsTo }) => conformsTo))],
    links: [
      link("self", "", "application/json", "This document"),
      link("alternate", "", "text/html", "The datasets as a page"),
      link("service-desc", "openapi.json", "application/json", "The API as OpenAPI 3.1"),
      link("service-doc", "docs", "text/html", "The API as a page"),
      link("data", "datasets", "application/json", "Ids of all datasets"),
      link("problems", "problems", "application/json", "Sources that cannot be read"),
      link("versions", "versions", "application/json", "Versions of this node and what it stands on"),
    ],
  };
}
