import type { IoCall } from "../../core/array.ts";
import { GyreError } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import { withRetries } from "../../files/with-retries.ts";
import { VERSION } from "../../version.ts";
import type { Boundary } from "../boundaries/boundary.ts";
import { boundaryFile, readBoundary } from "./boundary-file.ts";
import { withBoundary, withDataset, withDatasets } from "./change-datapackage.ts";
import {
  type DataPackage,
  datasetFolder,
  datasetName,
  datasetsOf,
  filesOf,
  type PackageFile,
  type Resource,
} from "./datapackage.ts";
import { deltaOf } from "./delta.ts";
import { createDescriptors } from "./descriptors.ts";
import { documentType } from "./documents/documents.ts";
import { madeFiles, type NewFile } from "./made-files.ts";
import { measureBytes } from "./measured.ts";
import { isBoundaryName, isDatasetName } from "./names.ts";
import type { NewDataset, PackageStore } from "./package-store.ts";
import { createPages, outlineOf } from "./pages.ts";
import { pieces } from "./pieces.ts";
import { type Placed, placeFiles } from "./place.ts";
import { appendProvenance } from "./provenance.ts";
import { datasetsFromFiles } from "./redescribe.ts";
import { boundaryResource, datasetResource, mediaTypeOr } from "./resources.ts";
import { sweepPackage } from "./sweep.ts";

export interface PackageStoreOptions {
  readonly files: Files;
  /** Folder or bucket prefix of the packages; ends in `/`. */
  readonly root: URL;
  /** Where clients find the same: this node's `/packages/`, a static host, or the bucket itself. */
  readonly publicUrl: URL;
  /** How long files stay that no package names any more; default a day. */
  readonly keepMs?: number;
  readonly now?: () => Date;
}

const DAY_MS = 86_400_000;
/** Packages looked at at once. */
const LANES = 8;
const DESCRIPTOR = "datapackage.json";
const PROVENANCE = "provenance.json";

/** Packages in a folder or a bucket. */
export function createPackageStore(options: PackageStoreOptions): PackageStore {
  const { files, keepMs = DAY_MS, now = () => new Date() } = options;
  const root = asFolder(options.root);
  const publicUrl = asFolder(options.publicUrl);
  const descriptors = createDescriptors(files);
  const moment = () => ({ now: now(), keepMs });
  const folderOf = (boundary: string): URL => new URL(`${boundary}/`, root);
  const at = (boundary: string, path: string): URL => new URL(path, folderOf(boundary));

  const read = async (boundary: string, call?: IoCall): Promise<DataPackage | undefined> =>
    isBoundaryName(boundary) ? descriptors.read(at(boundary, DESCRIPTOR), call) : undefined;

  const url = (boundary: string, path = ""): URL => new URL(`${boundary}/${path}`, publicUrl);

  // What takes many requests must not begin anew over one of them.
  const patient = withRetries(files);
  const pages = createPages({ files: patient, at, url, read });

  /** Puts files of a resource into place: where the last state has them, if they are the same. */
  async function place(
    boundary: string,
    below: string,
    made: readonly NewFile[],
    last: Resource | undefined,
    call: IoCall,
  ): Promise<Placed & { readonly named: PackageFile[] }> {
    const isSame = last?.hashes.join() === made.map(({ hash }) => hash).join();
    const lastPlace = isSame ? last?.path[0]?.slice(below.length).replace(/[^/]*$/, "") : undefined;
    const placed = await placeFiles(patient, at(boundary, below), made, lastPlace, call);
    const named = made.map((file): PackageFile => {
      const { name, mediaType, format, title, crs, bytes, hash, crc32 } = file;
      const about = { ...(title === undefined ? {} : { title }), ...(crs === undefined ? {} : { crs }) };
      const path = below + placed.below + name;
      return { path, bytes, hash, crc32, mediatype: mediaTypeOr(mediaType), format, ...about };
    });
    return { ...placed, named };
  }

  async function setUp(boundary: Boundary, call: IoCall, isRepair: boolean) {
    const { name } = boundary;
    if (!isBoundaryName(name)) throw new GyreError("BadRequest", `${JSON.stringify(name)} is no name of a package`);
    const last = isRepair ? undefined : await read(name, call);
    const { named } = await place(name, "", [boundaryFile(boundary)], last?.resources[0], call);
    await appendProvenance(files, at(name, PROVENANCE), [], now(), call);
    const resource = boundaryResource(boundary, named[0]!);
    const { before, after } = await descriptors.change(
      at(name, DESCRIPTOR),
      (current) => withBoundary(current, boundary, resource, moment()),
      { ...call, isRepair },
    );
    const isNew = before === undefined;
    if (before !== after || !(await pages.areOf(after, call))) await pages.write(after, undefined, call);
    if (!isNew) await sweepPackage(files, folderOf(name), after, moment(), call);
    return { isNew, datapackage: after };
  }

  async function publish(made: NewDataset) {
    const { boundary, metadata, sourceDigest, generated, signal, folder, run, options: told } = made;
    const { dataset, version } = metadata;
    if (!isDatasetName(dataset) || !isDatasetName(version)) {
      throw new GyreError("Unsupported", `${dataset}.${version} is no name of a dataset version`);
    }
    const { name } = boundary;
    const call: IoCall = { signal };
    const produced = await madeFiles(folder, generated.files, call);
    if (produced.length === 0) produced.push(emptyNote(made));
    const state = (await read(name, call)) ?? (await setUp(boundary, call, false)).datapackage;
    const last = datasetsOf(state).find((one) => datasetName(one) === `${dataset}.${version}`);
    const below = `datasets/${dataset}/${version}/data/`;
    const { named, found } = await place(name, below, produced, last, call);
    const { notes, isEmpty } = generated;
    const resource = datasetResource(metadata, named, {
      ...{ sourceDigest, boundaryDigest: boundary.digest, run, notes, isEmpty },
      ...{ created: now().toISOString(), software: VERSION, options: told },
    });
    const { before, after } = await descriptors.change(
      at(name, DESCRIPTOR),
      (current) => {
        if (current === undefined) throw takenAway(name);
        return withDataset(current, resource, moment());
      },
      call,
    );
    // A sweep may have met them just before they were named.
    for (const one of found) {
      if ((await files.head(one, call)) === undefined) throw new GyreError("Busy", `${one} was swept away`);
    }
    // Nothing changed where a try before this one came so far, perhaps without the pages.
    if (before !== after || !(await pages.areOf(after, call))) {
      await pages.write(after, [datasetFolder(resource)], call);
    }
    const [change] = before === after ? [] : (after.history[0]?.changes ?? []);
    return { replaced: change?.change === "replaced", bytes: resource.bytes, files: named.length };
  }

  return {
    async *list(call) {
      if (files.list === undefined) throw new GyreError("Unsupported", `${root} cannot be listed`);
      let batch: string[] = [];
      const present = async (): Promise<string[]> => {
        const infos = await Promise.all(batch.map((name) => files.head(at(name, DESCRIPTOR), call)));
        return batch.filter((_, i) => infos[i] !== undefined);
      };
      for await (const { url } of files.list(root, call)) {
        const name = url.href.slice(root.href.length).replace(/\/$/, "");
        if (url.href.endsWith("/") && isBoundaryName(name)) batch.push(name);
        if (batch.length < LANES) continue;
        yield* await present();
        batch = [];
      }
      yield* await present();
    },

    datapackage: read,

    async datasets(boundary, call) {
      const datapackage = await read(boundary, call);
      return (datapackage === undefined ? [] : datasetsOf(datapackage)).map(({ version, gyre }) => {
        const { dataset, sourceDigest, boundaryDigest } = gyre;
        return { dataset, version, sourceDigest, boundaryDigest };
      });
    },

    async geometry(boundary, call) {
      const datapackage = await read(boundary, call);
      if (datapackage === undefined) return undefined;
      const outline = outlineOf(datapackage);
      return readBoundary(files, at(boundary, outline.path), outline, call);
    },

    async delta(boundary, since, call) {
      const datapackage = await read(boundary, call);
      return datapackage && deltaOf(datapackage, since);
    },

    setUp: async (boundary, call = {}) => ({ isNew: (await setUp(boundary, call, false)).isNew }),

    publish,

    async addProvenance(boundary, logs, call) {
      if (!isBoundaryName(boundary)) throw new GyreError("NotFound", `Package ${boundary} not found`);
      await appendProvenance(files, at(boundary, PROVENANCE), logs, now(), call);
    },

    async redescribe(boundary, metadata, call = {}) {
      const { name } = boundary;
      const { datapackage: start } = await setUp(boundary, call, true);
      const datasets = await datasetsFromFiles(files, folderOf(name), start, boundary, metadata, now(), call);
      const known = new Map(datasetsOf(start).map((one) => [datasetName(one), one]));
      const change = (current: DataPackage | undefined): DataPackage => {
        if (current === undefined) throw takenAway(name);
        // What was published in the meantime is newer than what was measured.
        const newer = datasetsOf(current).filter(
          (one) => known.get(datasetName(one))?.hashes.join() !== one.hashes.join(),
        );
        const names = new Set(newer.map(datasetName));
        return withDatasets(current, [...datasets.filter((one) => !names.has(datasetName(one))), ...newer], moment());
      };
      const { after } = await descriptors.change(at(name, DESCRIPTOR), change, call);
      await pages.write(after, undefined, call);
    },

    async sweep(boundary, call) {
      const datapackage = await read(boundary, call);
      if (datapackage === undefined) return { files: 0, bytes: 0 };
      return sweepPackage(files, folderOf(boundary), datapackage, moment(), call);
    },

    async file(boundary, path, call) {
      const datapackage = await read(boundary, call);
      if (datapackage === undefined) return undefined;
      const named = filesOf(datapackage).find((file) => file.path === path);
      const mediaType = named?.mediatype ?? documentType(datapackage, path);
      if (mediaType === undefined) return undefined;
      const place = at(boundary, path);
      const info = await files.head(place, call);
      if (info === undefined) return undefined;
      return {
        ...{ info, mediaType, hash: named?.hash },
        read: (range, own) => ReadableStream.from(pieces(files, place, info, range, own)),
      };
    },

    url,
  };
}

function asFolder(url: URL): URL {
  return url.href.endsWith("/") ? url : new URL(`${url.href}/`);
}

function takenAway(name: string): GyreError {
  return new GyreError("Conflict", `the package of ${name} was taken away`);
}

/** A resource has a file at least: this one says that the source has nothing here. */
function emptyNote({ boundary, metadata, generated }: NewDataset): NewFile {
  const { dataset, version, title } = metadata;
  if (!generated.isEmpty) throw new GyreError("Unsupported", `${dataset}.${version} made no files`);
  const body = new TextEncoder().encode(`${title} has nothing inside of ${boundary.nameLong}.\n`);
  return {
    name: `${dataset}-${version}-${boundary.name}.txt`,
    mediaType: "text/plain",
    format: "Text",
    ...measureBytes(body),
    open: async function* () {
      yield body;
    },
  };
}
