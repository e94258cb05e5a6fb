import type { IoCall } from "../../core/array.ts";
import { forEachLimited } from "../../core/concurrency.ts";
import { badSource } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import { BOUNDARY_FILE, readBoundary } from "./boundary-file.ts";
import type { DataPackage, PackageFile } from "./datapackage.ts";
import { datasetDocuments, type PackageDocument, packageDocuments } from "./documents/documents.ts";

/** Documents written at once. */
const LANES = 8;
/** Newer states that are met while pages are written: as many as a writer of the descriptor may meet. */
const MOST_NEWER = 30;
const RECIPE = "recipe.json";
const MOST_RECIPE = 64 * 1024 * 1024;

export interface PagesOptions {
  readonly files: Files;
  /** Where a file of a package lies. */
  at(boundary: string, path: string): URL;
  /** Its address for clients. */
  url(boundary: string, path?: string): URL;
  read(boundary: string, call?: IoCall): Promise<DataPackage | undefined>;
}

/** What follows from the descriptor of a package, and is written after it. */
export interface Pages {
  /** Writes them until they are those of the newest state; `folders` are datasets whose pages are due, default all. */
  write(datapackage: DataPackage, folders: readonly string[] | undefined, call: IoCall): Promise<void>;
  /** Whether the pages are those of this state: a crash may have come between. */
  areOf(datapackage: DataPackage, call: IoCall): Promise<boolean>;
}

export function createPages({ files, at, url, read }: PagesOptions): Pages {
  async function writeOf(state: DataPackage, folders: readonly string[] | undefined, call: IoCall): Promise<void> {
    const { name } = state;
    const outline = outlineOf(state);
    const geometry = await readBoundary(files, at(name, outline.path), outline, call);
    const address = (path: string): URL => url(name, path);
    const documents = [...datasetDocuments(state, address, folders), ...packageDocuments(state, geometry, address)];
    const write = async ({ path, text, mediaType }: PackageDocument): Promise<void> => {
      const body = new TextEncoder().encode(text);
      await files.write?.(at(name, path), body, { ...call, contentType: mediaType, isCache: true });
    };
    const [recipes, others] = [true, false].map((is) => documents.filter(({ path }) => (path === RECIPE) === is));
    await forEachLimited(others ?? [], LANES, write);
    // The last one: whoever finds it with the package's version knows that the others are there.
    for (const recipe of recipes ?? []) await write(recipe);
  }

  return {
    async write(datapackage, folders, call) {
      let state = datapackage;
      for (let newer = 0; newer <= MOST_NEWER; newer++) {
        await writeOf(state, folders, call);
        const newest = await read(state.name, call);
        if (newest === undefined || newest.version === state.version) return;
        state = newest;
      }
    },

    async areOf({ name, version }, call) {
      const bytes = await files.read(at(name, RECIPE), { offset: 0, length: MOST_RECIPE }, call);
      try {
        return bytes !== undefined && JSON.parse(new TextDecoder().decode(bytes)).version === version;
      } catch {
        return false;
      }
    },
  };
}

/** The file with the area of a package. */
export function outlineOf({ name, resources }: DataPackage): PackageFile {
  const file = resources.find(({ gyre }) => gyre === undefined)?.files[0];
  if (file === undefined) throw badSource(name, undefined, `a package without ${BOUNDARY_FILE}`);
  return file;
}
