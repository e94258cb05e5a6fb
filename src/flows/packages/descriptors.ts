import type { IoCall } from "../../core/array.ts";
import { GyreError, isGyreError } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import { readWithInfo } from "../../files/read-with-info.ts";
import type { DataPackage } from "./datapackage.ts";
import { replaceFile, tagOf } from "./replace-file.ts";
import { datapackageText, MOST_BYTES, parseDataPackage } from "./stored-datapackage.ts";

/** Packages whose descriptors stay in memory. */
const MOST_KNOWN = 100;

/** A descriptor as it is stored. */
interface Stored {
  readonly etag: string;
  /** Or why it cannot be read. */
  readonly datapackage: DataPackage | GyreError;
}

/** `datapackage.json` of all packages: read, and changed by one conditional write. */
export interface Descriptors {
  read(url: URL, call?: IoCall): Promise<DataPackage | undefined>;
  /**
   * Writes what `change` makes of the state that is there; asked again with the newer state when another writer was
   * faster. The same state: nothing is written. With `isRepair` a broken file counts as none.
   */
  change(
    url: URL,
    change: (before: DataPackage | undefined) => DataPackage,
    call?: IoCall & { readonly isRepair?: boolean },
  ): Promise<Change>;
}

export interface Change {
  readonly before: DataPackage | undefined;
  readonly after: DataPackage;
}

export function createDescriptors(files: Files): Descriptors {
  /** By address: a state is fetched and parsed once. */
  const known = new Map<string, Stored>();

  async function stored(url: URL, call?: IoCall): Promise<Stored | undefined> {
    const last = known.get(url.href);
    if (last !== undefined) {
      const info = await files.head(url, call);
      if (info === undefined) return undefined;
      if (info.etag === last.etag) return last;
    }
    const found = await readWithInfo(files, url, { offset: 0, length: MOST_BYTES + 1 }, call);
    if (found === undefined) return undefined;
    const state = { etag: tagOf(url, found.info), datapackage: parsed(url, found.bytes) };
    known.delete(url.href);
    known.set(url.href, state);
    for (const oldest of known.keys()) if (known.size > MOST_KNOWN) known.delete(oldest);
    return state;
  }

  return {
    async read(url, call) {
      const found = await stored(url, call);
      if (found?.datapackage instanceof GyreError) throw found.datapackage;
      return found?.datapackage;
    },

    async change(url, change, { isRepair = false, ...call } = {}) {
      let made: Change | undefined;
      const next = async () => {
        const found = await stored(url, call);
        const state = found?.datapackage;
        if (state instanceof GyreError && !isRepair) throw state;
        const before = state instanceof GyreError ? undefined : state;
        made = { before, after: change(before) };
        if (made.after === before) return undefined;
        return { body: new TextEncoder().encode(datapackageText(made.after)), etag: found?.etag };
      };
      await replaceFile(files, url, next, call);
      return made as Change;
    },
  };
}

function parsed(url: URL, bytes: Uint8Array): DataPackage | GyreError {
  try {
    return parseDataPackage(url, bytes);
  } catch (error) {
    if (isGyreError(error, "BadSource")) return error;
    throw error;
  }
}
