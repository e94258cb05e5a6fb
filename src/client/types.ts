/** GeoJSON, degrees of WGS 84. */
export type Polygon = { readonly type: "Polygon"; readonly coordinates: readonly (readonly (readonly number[])[])[] };
export type MultiPolygon = {
  readonly type: "MultiPolygon";
  readonly coordinates: readonly (readonly (readonly (readonly number[])[])[])[];
};

export interface BoundarySummary {
  readonly name: string;
  readonly name_long: string;
}

export interface Boundary extends BoundarySummary {
  readonly admin_level: string | number;
  readonly geometry: MultiPolygon;
  readonly envelope: Polygon;
}

export interface License {
  readonly name: string;
  readonly path: string;
  readonly title: string;
}

/** One version of a dataset. */
export interface Dataset {
  /** `dataset.version` */
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** In a package: whether it is there or on its way. */
  readonly status?: string;
  readonly uri?: string;
  readonly data_author: string;
  readonly data_title: string;
  readonly data_title_long: string;
  readonly data_summary: string;
  readonly data_citation: string;
  readonly data_license: License;
  readonly data_origin_url: string;
  readonly data_formats: readonly string[];
}

export interface DatasetVersions {
  readonly name: string;
  readonly versions: readonly Dataset[];
}

export interface ExtractSummary {
  readonly boundary_name: string;
  /** Of the package; ends in `/`. */
  readonly uri: string;
}

/** One dataset version of a package: a Data Resource. */
export interface Resource {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** Relative to the package, or addresses. */
  readonly path: readonly string[];
  readonly format: string;
  /** Of all files. */
  readonly bytes: number;
  /** `sha256:...` of each file, in the order of `path`. */
  readonly hashes: readonly string[];
  readonly [field: string]: unknown;
}

export interface DataPackage {
  readonly name: string;
  readonly title: string;
  readonly licenses: readonly License[];
  readonly resources: readonly Resource[];
  readonly [field: string]: unknown;
}

export interface Extract extends ExtractSummary {
  readonly boundary: Boundary;
  readonly processors: readonly DatasetVersions[];
  readonly datapackage: DataPackage;
}

export type JobState = "PENDING" | "EXECUTING" | "SUCCESS" | "FAILURE" | "SKIPPED" | "RETRY" | "REVOKED";

export interface ProcessorJob {
  readonly job_id: string;
  readonly processor_name: string;
  readonly job_status: JobState;
  readonly job_progress?: { readonly percent_complete: number; readonly current_task?: string };
  /** `failed` and `skipped` say why; otherwise what was made. */
  readonly job_result?: { readonly failed?: string; readonly skipped?: string; readonly [field: string]: unknown };
}

export interface Job {
  readonly job_group_status: "PENDING" | "COMPLETE";
  readonly job_group_percent_complete: number;
  readonly job_group_processors: readonly ProcessorJob[];
}

export interface JobSummary {
  readonly job_id: string;
  readonly boundary_name: string;
  readonly processors: readonly string[];
  readonly job_group_status: Job["job_group_status"];
  readonly job_group_percent_complete: number;
  readonly created: string;
  readonly ended?: string;
}

/** What a job would take. */
export interface Estimate {
  readonly readBytes?: number;
  readonly writeBytes?: number;
  readonly seconds?: number;
  readonly notes?: readonly string[];
}
