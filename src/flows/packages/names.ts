/** Names of boundaries, datasets and files become parts of paths: nothing else is ever put there. */

const BOUNDARY = /^[a-z0-9_-]{1,100}$/;
const DATASET = /^[a-z0-9_]{1,100}$/;
const FILE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;
const MOST_SEGMENTS = 8;

export function isBoundaryName(name: string): boolean {
  return BOUNDARY.test(name);
}

/** Of a dataset, or of a version of one. */
export function isDatasetName(name: string): boolean {
  return DATASET.test(name);
}

export function isFileName(name: string): boolean {
  return FILE.test(name);
}

/** A path below a package: no dots lead out of it, nothing is hidden, nothing needs an escape. */
export function isPackagePath(path: string): boolean {
  const segments = path.split("/");
  return segments.length <= MOST_SEGMENTS && segments.every(isFileName);
}

/** A date and time as they are written: UTC. */
export const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/;
