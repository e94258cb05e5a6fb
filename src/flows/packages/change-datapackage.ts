import type { Boundary } from "../boundaries/boundary.ts";
import {
  type DataPackage,
  type DatasetChange,
  type DatasetResource,
  datasetName,
  datasetsOf,
  type PackageState,
  PROFILE,
  type Resource,
  stateNumber,
} from "./datapackage.ts";

/** States that a package remembers: changes since older ones cannot be told any more. */
export const KEPT_STATES = 100;

/** Stands in the history for the boundary; names of dataset versions have a dot. */
export const BOUNDARY = "boundary";

/** When a state begins, and how long files are kept that it no longer names. */
export interface Moment {
  readonly now: Date;
  readonly keepMs: number;
}

/** The package with this boundary, which is the first resource; the same one when nothing changes. */
export function withBoundary(
  before: DataPackage | undefined,
  boundary: Boundary,
  resource: Resource,
  moment: Moment,
): DataPackage {
  if (before !== undefined && isSame(before.resources[0], resource)) return before;
  const { name, nameLong, adminLevel, bbox, digest } = boundary;
  const created = moment.now.toISOString();
  const empty = { created, updated: created, licenses: [], resources: [], history: [] };
  const state: DataPackage = {
    ...{ $schema: PROFILE, name, version: "0.0.0", ...empty },
    ...before,
    title: nameLong,
    boundary: { name, nameLong, adminLevel, bbox, digest },
  };
  const old = state.resources.filter(({ gyre }) => gyre === undefined);
  const left = old.flatMap(({ path }) => path).filter((path) => !resource.path.includes(path));
  const changes: DatasetChange[] = old.length === 0 ? [] : [{ change: "replaced", dataset: BOUNDARY, left }];
  return nextState(state, [resource, ...datasetsOf(state)], changes, moment);
}

/** The package with a dataset version, in the place of what was there of it; the same one when nothing changes. */
export function withDataset(before: DataPackage, made: DatasetResource, moment: Moment): DataPackage {
  const name = datasetName(made);
  const old = datasetsOf(before).find((one) => datasetName(one) === name);
  const resource = { ...made, name: old?.name ?? freeName(before, made) };
  if (old !== undefined && isSame(fixed(old), fixed(resource))) return before;
  const left = old?.path.filter((path) => !resource.path.includes(path));
  const change: DatasetChange =
    old === undefined ? { change: "added", dataset: name } : { change: "replaced", dataset: name, left: left ?? [] };
  const others = before.resources.filter((one) => one !== old);
  return nextState(before, inOrder([...others, resource]), [change], moment);
}

/** The package with these dataset versions and no others. */
export function withDatasets(before: DataPackage, datasets: readonly DatasetResource[], moment: Moment): DataPackage {
  const kept = new Set(datasets.map(datasetName));
  const gone = datasetsOf(before).filter((one) => !kept.has(datasetName(one)));
  const resources = before.resources.filter((one) => !gone.some((other) => other === one));
  const removals = gone.map((one): DatasetChange => {
    return { change: "removed", dataset: datasetName(one), left: one.path };
  });
  const without = removals.length === 0 ? before : nextState(before, resources, removals, moment);
  return datasets.reduce((state, dataset) => withDataset(state, dataset, moment), without);
}

/** A part of a package as a package of its own: what a download of some datasets has. */
export function partOf(whole: DataPackage, names: ReadonlySet<string>): DataPackage {
  const kept = new Set<Resource>(datasetsOf(whole).filter((one) => names.has(datasetName(one))));
  return described({ ...whole, resources: whole.resources.filter((one) => one.gyre === undefined || kept.has(one)) });
}

/** The boundary, then datasets by name: a package reads the same in whatever order its parts were made. */
function inOrder(resources: readonly Resource[]): readonly Resource[] {
  const rank = ({ gyre, version }: Resource) => (gyre === undefined ? "" : `${gyre.dataset}.${version}`);
  return resources.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

function nextState(
  before: DataPackage,
  resources: readonly Resource[],
  changes: readonly DatasetChange[],
  { now, keepMs }: Moment,
): DataPackage {
  const version = `${stateNumber(before.version) + 1}.0.0`;
  const time = now.toISOString();
  const state: PackageState = { version, time, changes };
  const kept = now.getTime() - keepMs;
  const older = before.history
    .slice(0, KEPT_STATES - 1)
    .map((one) => (Date.parse(one.time) >= kept ? one : { ...one, changes: one.changes.map(forgetful) }));
  return described({ ...before, version, updated: time, resources, history: [state, ...older] });
}

function forgetful({ left: _, ...change }: DatasetChange): DatasetChange {
  return change;
}

/** What the package says of all its resources together. */
function described({ licenses: _, contributors: _contributors, ...state }: DataPackage): DataPackage {
  const datasets = datasetsOf(state as DataPackage);
  const licenses = [...new Map(datasets.flatMap((one) => one.licenses.map((it) => [it.name, it] as const))).values()];
  const authors = [...new Set(datasets.map(({ gyre }) => gyre.author).filter((author) => author !== ""))];
  const contributors = authors.map((title) => ({ title, roles: ["author"] }));
  return {
    ...(state as DataPackage),
    licenses,
    ...(contributors.length === 0 ? {} : { contributors }),
  };
}

/** Names of resources are unique in a package; the first version of a dataset has the dataset's. */
function freeName({ resources }: DataPackage, { version, gyre: { dataset } }: DatasetResource): string {
  return resources.some(({ name }) => name === dataset) ? `${dataset}.${version}` : dataset;
}

/** All but what differs between two runs that made the same. */
function fixed({ gyre: { run: _run, created: _created, ...gyre }, ...resource }: DatasetResource): object {
  return { ...resource, gyre };
}

function isSame(a: object | undefined, b: object): boolean {
  return a !== undefined && canonical(a) === canonical(b);
}

/** The same text for the same content, however the keys are ordered. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
