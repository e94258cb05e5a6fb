import type { IoCall } from "../../core/array.ts";
import { GyreError } from "../../errors.ts";
import { writeZip, type ZipEntry, zipLength } from "../../write/zip.ts";
import { partOf } from "./change-datapackage.ts";
import { datasetName, datasetsOf, filesOf } from "./datapackage.ts";
import { datasetDocuments, packageDocuments } from "./documents/documents.ts";
import { measure, measureBytes } from "./measured.ts";
import type { PackagedFile, PackageStore } from "./package-store.ts";
import { datapackageText } from "./stored-datapackage.ts";

/** A package as one download. */
export interface PackageArchive {
  /** Bytes of the ZIP archive, where that is known. */
  readonly length: number | undefined;
  /** Everything in one folder of the package's name, documents first; read as it is taken. */
  open(call: IoCall): AsyncIterable<Uint8Array>;
}

const PROVENANCE = "provenance.json";

/**
 * The package as it is now, or the part of it with some dataset versions, whose descriptor and pages are those of the
 * part. Documents are made of the descriptor, so that they agree; files are opened when their turn comes. Undefined:
 * there is no such package. Throws NotFound for dataset versions that it does not have.
 */
export async function packageArchive(
  store: PackageStore,
  boundary: string,
  datasets: readonly string[] | undefined,
  call: IoCall,
): Promise<PackageArchive | undefined> {
  const whole = await store.datapackage(boundary, call);
  const geometry = await store.geometry(boundary, call);
  if (whole === undefined || geometry === undefined) return undefined;
  const present = new Set(datasetsOf(whole).map(datasetName));
  const unknown = datasets?.find((name) => !present.has(name));
  if (unknown !== undefined) {
    throw new GyreError("NotFound", `Package ${boundary} has no dataset ${unknown}`, { subject: unknown });
  }
  const part = datasets === undefined ? whole : partOf(whole, new Set(datasets));
  const at = (path: string): URL => store.url(boundary, path);
  const documents = [...packageDocuments(part, geometry, at), ...datasetDocuments(part, at)];
  const texts = [{ path: "datapackage.json", text: datapackageText(part) }, ...documents];
  const modified = new Date(part.updated);
  const entries = texts.map(({ path, text }): ZipEntry => {
    const body = new TextEncoder().encode(text);
    const { bytes: size, crc32 } = measureBytes(body);
    const open = async function* () {
      yield body;
    };
    return { name: `${boundary}/${path}`, modified, size, crc32, open };
  });
  const provenance = await store.file(boundary, PROVENANCE, call);
  if (provenance !== undefined) {
    const { bytes: size, crc32 } = await measure(opening(provenance)(call));
    entries.push({ name: `${boundary}/${PROVENANCE}`, modified, size, crc32, open: opening(provenance) });
  }
  for (const { path, bytes: size, crc32 } of filesOf(part)) {
    const open = async function* (own?: IoCall): AsyncGenerator<Uint8Array> {
      const file = await store.file(boundary, path, own);
      if (file === undefined) throw new GyreError("Busy", `${path} was replaced while the archive was made`);
      yield* opening(file)(own);
    };
    entries.push({ name: `${boundary}/${path}`, modified, size, crc32, open });
  }
  return { length: zipLength(entries), open: (own) => writeZip(entries, own) };
}

function opening(file: PackagedFile): ZipEntry["open"] {
  return (call) => file.read({ offset: 0 }, call);
}
