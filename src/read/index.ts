import type { Attrs, Dataset, Dimension, IoCall, Variable } from "../core/array.ts";
import { forEachLimited } from "../core/concurrency.ts";
import { isGyreError } from "../errors.ts";
import type { FileInfo, Files } from "../files/files.ts";
import { digest, sourceVersion } from "../formats/version.ts";
import { type Container, INDEX_VERSION, openContainer, packContainer } from "./index/container.ts";
import { fromPortable, toPortable } from "./index/portable.ts";
import { type LocationTable, locator, packTable, tableOf, toChunkTable, unpackTable } from "./index/table.ts";

/** A source and what its store says of it now. */
export interface SourceIdentity {
  readonly url: URL;
  readonly info: FileInfo;
}

/** One immutable object per source, from which it opens again without being touched. */
export interface DatasetIndex {
  /** Undefined: not kept, or to be built again. `reopen` opens the source itself, for what the index has not. */
  load(source: SourceIdentity, reopen: () => Promise<Dataset>, call?: IoCall): Promise<Dataset | undefined>;
  /** Keeps the dataset's metadata and chunk tables; the places of its chunks are found out for that. */
  save(source: SourceIdentity, dataset: Dataset, call?: IoCall): Promise<void>;
  /** Plain data by a key of its own: what is known of a cube's members. */
  loadData(key: string, call?: IoCall): Promise<unknown>;
  saveData(key: string, data: unknown, call?: IoCall): Promise<void>;
}

/** Formats that find their chunks by arithmetic, or are an index themselves: opening them again costs as little. */
const UNINDEXED = new Set(["zarr", "netcdf3", "kerchunk", "cube"]);

/** Reading one is mostly waiting. */
const TABLES_AT_ONCE = 8;

interface Head {
  readonly dataset: Pick<Dataset, "format" | "version" | "attrs" | "dimensions" | "groups" | "problems">;
  readonly variables: readonly {
    readonly name: string;
    readonly spec: Variable["spec"];
    /** Whether the source must be asked for the places of chunks, or for values. */
    readonly ask?: "locate" | "read";
  }[];
}

/** Indexes below `objects` (its address ends in `/`). */
export function createDatasetIndex(files: Files, objects: URL): DatasetIndex {
  const address = (key: string): URL => new URL(`index/v${INDEX_VERSION}/${key}`, objects);
  const put = async (key: string, bytes: Uint8Array, call?: IoCall): Promise<void> => {
    await files.write?.(address(key), bytes, { contentType: "application/octet-stream", isCache: true, ...call });
  };

  return {
    async load({ url, info }, reopen, call) {
      return understood(async () => {
        const container = await openContainer(files, address(sourceVersion(url, info)), call);
        return container === undefined ? undefined : toDataset(container, reopen);
      });
    },

    async save({ url, info }, dataset, call) {
      if (UNINDEXED.has(dataset.format) || dataset.hasOthers) return;
      const tables = new Map<string, LocationTable>();
      await forEachLimited(dataset.variables, TABLES_AT_ONCE, async ([name, variable]) => {
        call?.signal?.throwIfAborted();
        const found = await tableOf(variable, call).catch(ignoreBroken);
        if (found !== undefined && liesIn(url, found)) tables.set(name, found);
      });
      const sections: [string, Uint8Array][] = [];
      const variables: Head["variables"][number][] = [];
      for (const [name, variable] of dataset.variables) {
        const table = tables.get(name);
        if (table !== undefined) sections.push([name, packTable(table)]);
        const ask = table !== undefined ? {} : ({ ask: variable.read === undefined ? "locate" : "read" } as const);
        variables.push({ name, spec: variable.spec, ...ask });
      }
      const { format, version, attrs, dimensions, groups, problems } = dataset;
      const head: Head = {
        dataset: { format, version, attrs, dimensions, groups, ...(problems === undefined ? {} : { problems }) },
        variables,
      };
      await put(sourceVersion(url, info), await packContainer(toPortable(head), sections), call);
    },

    async loadData(key, call) {
      return understood(async () => {
        const container = await openContainer(files, address(digest(["data", key])), call);
        return container === undefined ? undefined : fromPortable(container.head);
      });
    },

    async saveData(key, data, call) {
      await put(digest(["data", key]), await packContainer(toPortable(data), []), call);
    },
  };
}

/** Places in other files are found again each time: the index is kept by the state of the source alone. */
function liesIn(url: URL, { homes }: LocationTable): boolean {
  return homes.every((home) => home === "inline" || home.url.href === url.href);
}

/** A broken chunk index must not hide the rest of the file; its variable says so when it is read. */
function ignoreBroken(error: unknown): undefined {
  if (isGyreError(error, "BadSource", "Unsupported")) return undefined;
  throw error;
}

/** Checksums guard an index; what passes them and still makes no sense is as good as none. */
async function understood<T>(read: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isGyreError(error) && error.tag !== "BadSource") throw error;
    return undefined;
  }
}

function isHead(head: unknown): head is Head {
  const { dataset, variables } = head as Head;
  const isWhole = [dataset.attrs, dataset.dimensions, dataset.groups].every((part) => part instanceof Map);
  return isWhole && typeof dataset.version === "string" && variables.every(({ name, spec }) => isSpec(name, spec));
}

function isSpec(name: string, { shape, chunks, dims, codecs, attrs }: Variable["spec"]): boolean {
  const isSize = (least: number) => (n: number) => Number.isSafeInteger(n) && n >= least;
  const isFit = shape.every(isSize(0)) && chunks.every(isSize(1)) && chunks.length === shape.length;
  return typeof name === "string" && isFit && dims.length === shape.length && codecs.length > 0 && attrs instanceof Map;
}

function toDataset(container: Container, reopen: () => Promise<Dataset>): Dataset | undefined {
  const head = fromPortable(container.head);
  if (!isHead(head)) return undefined;
  const { dataset, variables } = head;
  let opening: Promise<Dataset> | undefined;
  const source = (): Promise<Dataset> => {
    opening ??= reopen();
    opening.catch(() => (opening = undefined));
    return opening;
  };
  return {
    ...dataset,
    attrs: dataset.attrs as Attrs,
    dimensions: dataset.dimensions as ReadonlyMap<string, Dimension>,
    variables: new Map(variables.map((entry) => [entry.name, toVariable(entry, container, source)])),
  };
}

function toVariable(
  { name, spec, ask }: Head["variables"][number],
  container: Container,
  source: () => Promise<Dataset>,
): Variable {
  const own = async (): Promise<Variable> => {
    const variable = (await source()).variables.get(name);
    if (variable === undefined) throw new Error(`${name} is in the index but not in its source`);
    return variable;
  };
  const locateInSource: Variable["locate"] = async (chunk, call) => (await own()).locate(chunk, call);
  if (ask === "locate") return { name, spec, locate: locateInSource };
  if (ask === "read") {
    return {
      name,
      spec,
      locate: locateInSource,
      read: async (selection, call) => (await own()).read!(selection, call),
    };
  }
  interface Kept {
    readonly table?: LocationTable;
    readonly locate: Variable["locate"];
  }
  let kept: Promise<Kept> | undefined;
  const load = async (): Promise<Kept> => {
    const table = await understood(async () => {
      const section = await container.section(name);
      return section && unpackTable(section);
    });
    if (table === undefined) return { locate: locateInSource };
    const find = locator(spec, table);
    return { table, locate: async (chunk) => find(chunk) };
  };
  const loaded = (): Promise<Kept> => {
    kept ??= load();
    kept.catch(() => (kept = undefined));
    return kept;
  };
  return {
    name,
    spec,
    locate: async (chunk, call) => (await loaded()).locate(chunk, call),
    async table() {
      const { table } = await loaded();
      return table && toChunkTable(table);
    },
  };
}
