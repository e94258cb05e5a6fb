import { BOUNDARY } from "./change-datapackage.ts";
import { type DataPackage, type DatasetResource, datasetName, datasetsOf, stateNumber } from "./datapackage.ts";

/** What became of a package since one of its states. */
export interface PackageDelta {
  readonly since: string;
  readonly version: string;
  /** The package is made for another geometry now. */
  readonly isBoundaryReplaced: boolean;
  readonly added: readonly DatasetResource[];
  readonly replaced: readonly DatasetResource[];
  /** Names of dataset versions. */
  readonly removed: readonly string[];
}

/**
 * Changes after state `since`, each dataset version once, as a client finds it now that has that state. Undefined where
 * the package does not remember so far back, or never was in that state: then all of it is to be fetched.
 */
export function deltaOf(datapackage: DataPackage, since: number): PackageDelta | undefined {
  const { version, history } = datapackage;
  const current = stateNumber(version);
  const later = history.filter((state) => stateNumber(state.version) > since);
  if (since > current || later.length < current - since) return undefined;
  const first = new Map<string, string>();
  for (const { changes } of later.toReversed()) {
    for (const { dataset, change } of changes) if (!first.has(dataset)) first.set(dataset, change);
  }
  const isBoundaryReplaced = first.delete(BOUNDARY);
  const now = new Map(datasetsOf(datapackage).map((one) => [datasetName(one), one]));
  const present = [...first].flatMap(([name, change]) => {
    const resource = now.get(name);
    return resource === undefined ? [] : [{ resource, isNew: change === "added" }];
  });
  return {
    since: `${since}.0.0`,
    version,
    isBoundaryReplaced,
    added: present.filter(({ isNew }) => isNew).map(({ resource }) => resource),
    replaced: present.filter(({ isNew }) => !isNew).map(({ resource }) => resource),
    // What came and went in between the client never had.
    removed: [...first].filter(([name, change]) => change !== "added" && !now.has(name)).map(([name]) => name),
  };
}
