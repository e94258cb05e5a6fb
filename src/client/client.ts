import { ClientError, createRequests, type RequestOptions } from "./requests.ts";
import { eventData } from "./server-sent-events.ts";
import type {
  Boundary,
  BoundarySummary,
  Dataset,
  DatasetVersions,
  Estimate,
  Extract,
  ExtractSummary,
  Job,
  JobSummary,
  MultiPolygon,
  Polygon,
} from "./types.ts";

export interface ClientOptions {
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of the platform's. */
  readonly fetch?: typeof fetch;
}

export interface SubmitOptions extends RequestOptions {
  /** An own polygon: GeoJSON, WKT or a vector file. The boundary's name then only begins the package's. */
  readonly polygon?: Polygon | MultiPolygon | string | File;
  /** The same key again finds the same job. */
  readonly idempotencyKey?: string;
}

export type BoundarySearch = { readonly name: string } | { readonly latitude: number; readonly longitude: number };

/** The packaging API of a node; in Node and in browsers. Everything throws `ClientError` for what the node refuses. */
export interface Client {
  /** Ends in `/`. */
  readonly url: URL;
  boundary(name: string, options?: RequestOptions): Promise<Boundary>;
  boundaryGeometry(name: string, options?: RequestOptions): Promise<MultiPolygon>;
  /** By a part of the long name, or by a point. */
  boundarySearch(search: BoundarySearch, options?: RequestOptions): Promise<readonly BoundarySummary[]>;
  boundaryList(options?: RequestOptions): Promise<readonly BoundarySummary[]>;
  /** The package of a boundary. */
  extract(boundary: string, options?: RequestOptions): Promise<Extract>;
  extractList(options?: RequestOptions): Promise<readonly ExtractSummary[]>;
  /** One version of a dataset, by `dataset.version`. */
  dataset(nameVersion: string, options?: RequestOptions): Promise<Dataset>;
  /** `dataset.version` of all. */
  datasetList(options?: RequestOptions): Promise<readonly string[]>;
  /** Answers the job's id. */
  jobSubmit(boundary: string, datasets: readonly string[], options?: SubmitOptions): Promise<string>;
  jobEstimate(boundary: string, datasets: readonly string[], options?: SubmitOptions): Promise<Estimate>;
  jobStatus(id: string, options?: RequestOptions): Promise<Job>;
  jobComplete(id: string, options?: RequestOptions): Promise<boolean>;
  /** The job whenever it changes, last when it is complete; goes on over connections that break. */
  jobWatch(id: string, options?: RequestOptions): AsyncIterable<Job>;
  jobCancel(id: string, options?: RequestOptions): Promise<Job>;
  jobList(options?: RequestOptions): Promise<readonly JobSummary[]>;
  serverLiveness(options?: RequestOptions): Promise<boolean>;
  serverReadiness(options?: RequestOptions): Promise<boolean>;
}

/** Connections that a node may end without having told anything new. */
const MOST_SILENT = 5;

/** Talks to the node at `url`: its root, or the root of the packaging API (`.../v1/`). */
export function createClient(url: URL | string, { headers = {}, fetch: fetcher = fetch }: ClientOptions = {}): Client {
  const base = apiOf(url);
  const { ask, json } = createRequests(base, headers, fetcher);
  const versions = async (options?: RequestOptions): Promise<readonly Dataset[]> =>
    (await json<readonly DatasetVersions[]>("processors", options)).flatMap((dataset) => dataset.versions);
  const boundary = (name: string, options?: RequestOptions): Promise<Boundary> =>
    json(`boundaries/${part(name)}`, options);
  const jobStatus = (id: string, options?: RequestOptions): Promise<Job> => json(`jobs/${part(id)}`, options);

  async function status(path: string, wanted: string, options?: RequestOptions): Promise<boolean> {
    const response = await ask(path, { ...options, also: [500, 503] });
    const said = (await response.json().catch(() => ({}))) as { readonly status?: string };
    return response.ok && said.status === wanted;
  }

  function submit<T>(
    boundary: string,
    processors: readonly string[],
    options: SubmitOptions,
    query: { estimate?: string },
  ): Promise<T> {
    const { polygon, idempotencyKey, signal } = options;
    return json<T>("jobs", {
      method: "POST",
      query,
      body: bodyOf(boundary, processors, polygon),
      headers: idempotencyKey === undefined ? {} : { "Idempotency-Key": idempotencyKey },
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async function* watch(id: string, options: RequestOptions = {}): AsyncGenerator<Job> {
    for (let silent = 0; silent < MOST_SILENT; silent++) {
      const { body } = await ask(`jobs/${part(id)}`, { ...options, headers: { Accept: "text/event-stream" } });
      if (body === null) continue;
      try {
        for await (const data of eventData(body)) {
          const job = JSON.parse(data) as Job;
          yield job;
          if (job.job_group_status === "COMPLETE") return;
          silent = 0;
        }
      } catch (error) {
        if (options.signal?.aborted || error instanceof SyntaxError) throw error;
      }
    }
    throw new ClientError(`${base.origin} ends the stream of job ${id} before the job has ended`);
  }

  return {
    url: base,
    boundary,
    boundaryGeometry: async (name, options) => (await boundary(name, options)).geometry,
    boundarySearch: (search, options) => json("boundaries/search", { ...options, query: { ...search } }),
    boundaryList: (options) => json("boundaries", options),
    extract: (name, options) => json(`packages/${part(name)}`, options),
    extractList: (options) => json("packages", options),
    async dataset(nameVersion, options) {
      const found = (await versions(options)).find(({ name }) => name === nameVersion);
      if (found === undefined) throw new ClientError(`there is no dataset ${nameVersion}`, 404);
      return found;
    },
    datasetList: async (options) => (await versions(options)).map(({ name }) => name),
    async jobSubmit(name, datasets, options = {}) {
      return (await submit<{ readonly job_id: string }>(name, datasets, options, {})).job_id;
    },
    jobEstimate: (name, datasets, options = {}) => submit(name, datasets, options, { estimate: "true" }),
    jobStatus,
    jobComplete: async (id, options) => (await jobStatus(id, options)).job_group_status === "COMPLETE",
    jobWatch: watch,
    jobCancel: (id, options) => json(`jobs/${part(id)}`, { ...options, method: "DELETE" }),
    jobList: async (options) => (await json<{ readonly jobs: readonly JobSummary[] }>("jobs", options)).jobs,
    serverLiveness: (options) => status("liveness", "alive", options),
    serverReadiness: (options) => status("readiness", "ready", options),
  };
}

function bodyOf(name: string, processors: readonly string[], polygon: SubmitOptions["polygon"]): object {
  if (!(polygon instanceof File)) {
    return { boundary_name: name, processors, ...(polygon === undefined ? {} : { boundary: polygon }) };
  }
  const form = new FormData();
  form.set("boundary_name", name);
  for (const processor of processors) form.append("processors", processor);
  form.set("boundary", polygon);
  return form;
}

/** The founding system's clients are given `.../v1/`, people the node's address. */
function apiOf(url: URL | string): URL {
  const base = new URL(url);
  const path = base.pathname.replace(/\/+$/, "");
  base.pathname = path.endsWith("/v1") ? `${path}/` : `${path}/v1/`;
  return base;
}

function part(text: string): string {
  return encodeURIComponent(text);
}
