import { z } from "zod";
import { GyreError } from "../../../errors.ts";
import {
  type Processor,
  type ProcessorMetadata,
  type Processors,
  processorName,
} from "../../../flows/processors/processor.ts";
import type { Protocol, Route } from "../../../protocols/protocol.ts";

export interface ProcessorRoutesOptions {
  processors(): Promise<Processors>;
}

const PATH = "/v1/processors";
const name = z.string().max(200);

/** `/v1/processors`: the datasets and versions that packages can have, in the shapes of the founding system. */
export function createProcessorRoutes({ processors }: ProcessorRoutesOptions): Protocol {
  const route = (path: string, summary: string, handle: Route["handle"]): Route => ({
    ...{ method: "GET", path, summary, role: "read", handle },
    responses: { 200: { description: summary, types: ["application/json"] } },
  });
  const one = (path: string, summary: string, params: z.ZodType, handle: Route["handle"]): Route => {
    const { responses, ...rest } = route(path, summary, handle);
    return { ...rest, params, responses: { ...responses, 404: { description: "There is none of this name" } } };
  };
  return {
    name: "processors",
    summary: "Datasets and versions that packages can have",
    conformsTo: [],
    routes: [
      route(PATH, "Datasets, each with its versions", async () => {
        return Response.json(datasetsOf((await processors()).list()));
      }),
      one(`${PATH}/:name`, "A dataset with its versions", z.object({ name }), async ({ params }) => {
        const found = datasetsOf((await processors()).list()).find((dataset) => dataset.name === params.name);
        if (found === undefined) throw new GyreError("NotFound", `no such processor: ${params.name}`);
        return Response.json(found);
      }),
      one(`${PATH}/:name/:version`, "A version of a dataset", z.object({ name, version: name }), async ({ params }) => {
        const full = `${params.name}.${params.version}`;
        const found = (await processors()).get(full);
        if (found === undefined) throw new GyreError("NotFound", `no such processor version: ${full}`);
        return Response.json(versionOf(found.metadata));
      }),
    ],
  };
}

/** The founding system's `ProcessorVersionMetadata`. */
export function versionOf(metadata: ProcessorMetadata) {
  return {
    name: processorName(metadata),
    description: metadata.description,
    version: metadata.version,
    data_author: metadata.author,
    data_title: metadata.title,
    data_title_long: metadata.titleLong,
    data_summary: metadata.summary,
    data_citation: metadata.citation,
    data_license: metadata.license,
    data_origin_url: metadata.originUrl,
    data_formats: metadata.formats,
  };
}

function datasetsOf(processors: readonly Processor[]) {
  const groups = Map.groupBy(processors, ({ metadata }) => metadata.dataset);
  return [...groups].map(([dataset, versions]) => ({
    name: dataset,
    versions: versions.map(({ metadata }) => versionOf(metadata)),
  }));
}
