import type { Boundary } from "../boundaries/boundary.ts";
import type { Licence, ProcessorMetadata } from "../processors/processor.ts";
import type { DatasetFacts, DatasetResource, PackageFile, Resource } from "./datapackage.ts";

/** What `path` may be in Data Package v2. */
const PATH = /^((?=[^./~])(?!file:)((?!\/\.\.\/)(?!\\)(?!:\/\/).)*|(http|ftp)s?:\/\/.*)$/;
const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+(?:\s*;.*)?$/;

/** How a dataset version was made: what its metadata does not say. */
export type Making = Omit<DatasetFacts, "dataset" | "titleLong" | "summary" | "citation" | "author" | "originUrl">;

/** The resource of a dataset version; its name is settled when it comes into a package. */
export function datasetResource(
  metadata: ProcessorMetadata,
  files: readonly PackageFile[],
  making: Making,
): DatasetResource {
  const { dataset, version, title, titleLong, description, summary, citation, author, originUrl } = metadata;
  const license = licenceOf(metadata.license);
  const source = { title: titleLong || title || dataset, ...(PATH.test(originUrl) ? { path: originUrl } : {}) };
  const { sourceDigest, boundaryDigest, run, options, notes, isEmpty, software, created } = making;
  const gyre: DatasetFacts = {
    ...{ dataset, titleLong, summary, citation, author, originUrl },
    ...{ sourceDigest, boundaryDigest, run, notes, isEmpty, software, created },
    ...(options === undefined ? {} : { options }),
  };
  return {
    ...resourceOf(dataset, version, files),
    title,
    description,
    license,
    licenses: [license],
    sources: [source],
    gyre,
  };
}

/** What a package tells of one of its dataset versions, whether its processor is still there or not. */
export function metadataOf(one: DatasetResource): ProcessorMetadata {
  const { gyre, version, description, title = gyre.dataset, licenses, files } = one;
  const { dataset, author, titleLong, summary, citation, originUrl } = gyre;
  const license = licenses[0] ?? { name: "unknown", path: "", title: "Unknown" };
  const formats = [...new Set(files.map(({ format }) => format))];
  return {
    ...{ dataset, version, description, author, title, titleLong, summary, citation, license, originUrl, formats },
  };
}

/** The boundary itself, which comes with every package. */
export function boundaryResource(boundary: Boundary, file: PackageFile): Resource {
  const { name, nameLong, digest } = boundary;
  return {
    ...resourceOf("boundary", digest.replace(/^sha256:/, "").slice(0, 12), [file]),
    title: `Boundary of ${nameLong}`,
    description: `The area ${name} that this package was made for: polygons in degrees of WGS 84`,
    licenses: [],
    sources: [],
  };
}

type FilePart = "name" | "version" | "path" | "format" | "mediatype" | "bytes" | "hash" | "hashes" | "files";

function resourceOf(name: string, version: string, files: readonly PackageFile[]): Pick<Resource, FilePart> {
  const [first] = files;
  const isOfOneKind = files.every(({ mediatype }) => mediatype === first?.mediatype);
  return {
    ...{ name, version },
    path: files.map(({ path }) => path),
    format: first?.format ?? "",
    ...(isOfOneKind && first !== undefined ? { mediatype: first.mediatype } : {}),
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    ...(files.length === 1 && first !== undefined ? { hash: first.hash } : {}),
    hashes: files.map(({ hash }) => hash),
    files,
  };
}

/** A licence as Data Package v2 wants it: named by an identifier; an empty path is none, and is not stored. */
function licenceOf({ name, path, title }: Licence): Licence {
  const identifier = name.replace(/[^-a-zA-Z0-9._]+/g, "-");
  return { name: identifier || "unknown", path: PATH.test(path) ? path : "", title: title || name };
}

/** What a processor calls a media type, or bytes. */
export function mediaTypeOr(text: string): string {
  return MEDIA_TYPE.test(text) ? text : "application/octet-stream";
}
