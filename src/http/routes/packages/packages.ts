import { z } from "zod";
import type { Call } from "../../../core/principal.ts";
import { GyreError } from "../../../errors.ts";
import { type DataPackage, datasetFolder, datasetName, datasetsOf } from "../../../flows/packages/datapackage.ts";
import { isDatasetName } from "../../../flows/packages/names.ts";
import type { PackageStore } from "../../../flows/packages/package-store.ts";
import { metadataOf } from "../../../flows/packages/resources.ts";
import type { Processors } from "../../../flows/processors/processor.ts";
import { jsonResponse } from "../../../protocols/document.ts";
import type { Protocol, Route, RouteCall } from "../../../protocols/protocol.ts";
import { detailOf } from "./boundaries.ts";
import { versionOf } from "./processors.ts";

export interface PackageRoutesOptions {
  store(): Promise<PackageStore>;
  processors(): Promise<Processors>;
  /** Names (`dataset.version`) of processors that make something for this boundary just now. */
  executing?(boundary: string, call: Call): Promise<readonly string[]>;
}

const JSON_TYPE = "application/json";
const PATH = "/v1/packages";

const params = z.object({ boundary: z.string().max(200) });
const sinceQuery = z.strictObject({
  since: z.coerce.number().int().min(0).describe("the state that the client has: 3 for version 3.0.0"),
});

/** `/v1/packages`: what there is for which boundary, in the shapes of the founding system. */
export function createPackageRoutes(options: PackageRoutesOptions): Protocol {
  async function listed({ request, call }: RouteCall): Promise<Response> {
    const store = await options.store();
    const found = await Array.fromAsync(store.list(call));
    return jsonResponse(
      request,
      found.map((name) => ({ boundary_name: name, uri: store.url(name).href })),
    );
  }

  async function one({ request, params: { boundary: name = "" }, call }: RouteCall): Promise<Response> {
    const store = await options.store();
    const datapackage = await required(store, name, call);
    const executing = (await options.executing?.(name, call)) ?? [];
    const geometry = await store.geometry(name, call);
    if (geometry === undefined) throw unknown(name);
    if (datasetsOf(datapackage).length === 0 && executing.length === 0) {
      throw new GyreError("NotFound", `Package ${name} has no existing or executing datasets`, { subject: name });
    }
    return jsonResponse(request, {
      boundary_name: name,
      uri: store.url(name).href,
      // As it was when the package was made, which the table of boundaries may not know any more.
      boundary: detailOf({ ...datapackage.boundary, geometry }),
      processors: await processorsOf(datapackage, executing, store),
      datapackage,
    });
  }

  /** Datasets with their versions that are there, and those on their way: the founding system's `Processor`. */
  async function processorsOf(datapackage: DataPackage, executing: readonly string[], store: PackageStore) {
    const { name } = datapackage;
    const processors = await options.processors();
    const uri = (folder: string): string => store.url(name, folder).href;
    const complete = datasetsOf(datapackage).map((one) => {
      const known = processors.get(datasetName(one))?.metadata ?? metadataOf(one);
      const status = executing.includes(datasetName(one)) ? "executing" : "complete";
      return { ...versionOf(known), status, uri: uri(datasetFolder(one)) };
    });
    const present = new Set(complete.map((one) => one.name));
    const coming = executing.flatMap((name) => {
      const metadata = present.has(name) ? undefined : processors.get(name)?.metadata;
      if (metadata === undefined || !isDatasetName(metadata.dataset)) return [];
      const folder = `datasets/${metadata.dataset}/${metadata.version}/`;
      return [{ ...versionOf(metadata), status: "executing", uri: uri(folder) }];
    });
    const groups = Map.groupBy([...complete, ...coming], (version) => version.name.split(".", 1)[0] ?? "");
    return [...groups].map(([dataset, versions]) => ({ name: dataset, versions }));
  }

  async function changed({ request, params: { boundary: name = "" }, query, call }: RouteCall): Promise<Response> {
    const store = await options.store();
    await required(store, name, call);
    const delta = await store.delta(name, Number(query.since), call);
    if (delta === undefined) {
      throw new GyreError("Gone", `Package ${name} does not remember state ${query.since}: all of it is to be fetched`);
    }
    return jsonResponse(request, delta);
  }

  const route = (path: string, summary: string, handle: Route["handle"], others: Route["responses"]): Route => ({
    ...{ method: "GET", path, summary, role: "read", handle },
    responses: { 200: { description: summary, types: [JSON_TYPE] }, ...others },
  });
  const none = { 404: { description: "There is no such package, or nothing in it" } };
  return {
    name: "packages",
    summary: "Data packages of boundaries",
    conformsTo: [],
    routes: [
      route(PATH, "Boundaries that have a package", listed, {}),
      { ...route(`${PATH}/:boundary`, "A package: its boundary, datasets and descriptor", one, none), params },
      {
        ...route(`${PATH}/:boundary/delta`, "What changed since a state of the package", changed, {
          ...none,
          410: { description: "It does not remember so far back" },
        }),
        ...{ params, query: sinceQuery },
      },
    ],
  };
}

async function required(store: PackageStore, name: string, call: Call): Promise<DataPackage> {
  const datapackage = await store.datapackage(name, call);
  if (datapackage === undefined) throw unknown(name);
  return datapackage;
}

function unknown(name: string): GyreError {
  return new GyreError("NotFound", `Package ${name} not found`, { subject: name });
}
