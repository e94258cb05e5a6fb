import { z } from "zod";
import { conditionsOf, toResponse } from "../../conditional.ts";
import { documentOf, documentReply } from "../../document.ts";
import { datasetUrl, openDataset, type Protocol, type Route } from "../../protocol.ts";
import { GEOJSON } from "../links.ts";
import { datasetItem } from "./dataset-item.ts";

/** What a dataset does not tell, as a JSON list with percent-encoded texts. */
export const WARNINGS_HEADER = "Gyre-Warnings";

const item: Route = {
  method: "GET",
  path: "/datasets/:id/stac",
  summary: "STAC Item of a dataset",
  query: z.strictObject({ collection: z.string().min(1).max(200).optional() }),
  responses: {
    200: { description: "The item", types: [GEOJSON] },
    304: { description: "The client has it" },
    404: { description: "No such dataset" },
    410: { description: "The dataset is retracted" },
  },
  role: "read",
  async handle({ request, params, query, access, call, base }) {
    const opened = await openDataset(access, params.id ?? "", call);
    const { item, warnings } = await datasetItem(opened, access, call, { base, collection: query.collection });
    const headers = {
      "Content-Type": GEOJSON,
      ...(warnings.length === 0 ? {} : { [WARNINGS_HEADER]: JSON.stringify(warnings.map(encodeURIComponent)) }),
    };
    return toResponse(documentReply(documentOf(JSON.stringify(item)), conditionsOf(request), headers));
  },
};

/** Datasets as STAC Items, on every node: what a catalogue has of them was published. */
export const datasetItems: Protocol = {
  name: "dataset-items",
  summary: "STAC Items of datasets",
  conformsTo: [],
  routes: [item],
  links: (id, _dataset, base) => [
    { rel: "alternate", href: datasetUrl(base, id, "stac"), type: GEOJSON, title: "STAC Item" },
  ],
};
