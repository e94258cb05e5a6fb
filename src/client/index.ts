/** `gyre/client`: the packaging API of a node, for Node and browsers. */
export { type BoundarySearch, type Client, type ClientOptions, createClient, type SubmitOptions } from "./client.ts";
export { ClientError, type RequestOptions } from "./requests.ts";
export type {
  Boundary,
  BoundarySummary,
  DataPackage,
  Dataset,
  DatasetVersions,
  Estimate,
  Extract,
  ExtractSummary,
  Job,
  JobState,
  JobSummary,
  License,
  MultiPolygon,
  Polygon,
  ProcessorJob,
  Resource,
} from "./types.ts";
