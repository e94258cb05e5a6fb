import type { Cursor } from "./cursor.ts";
import type { H5File } from "./file.ts";
import { type Dataspace, readDataspace } from "./messages/dataspace.ts";
import { type Datatype, readDatatype } from "./messages/datatype.ts";
import { type ExternalFiles, readExternalFiles } from "./messages/external-files.ts";
import { readFill, readOldFill } from "./messages/fill.ts";
import { type Filter, readFilters } from "./messages/filters.ts";
import { type Layout, readLayout } from "./messages/layout.ts";
import { findMessage, MESSAGE, type ObjectHeader } from "./object-header.ts";
import { resolveMessage } from "./shared-message.ts";

/** A dataset as its object header describes it. */
export interface StoredDataset {
  readonly file: H5File;
  readonly address: number;
  readonly space: Dataspace;
  readonly type: Datatype;
  readonly layout: Layout;
  readonly filters: readonly Filter[];
  /** Bytes of one element; undefined: zeros. */
  readonly fill: Uint8Array | undefined;
  readonly externalFiles: ExternalFiles | undefined;
}

/** True for the header of a dataset. */
export function isDataset(header: ObjectHeader): boolean {
  return findMessage(header, MESSAGE.layout) !== undefined;
}

export async function readDataset(file: H5File, header: ObjectHeader): Promise<StoredDataset> {
  const get = async (type: number): Promise<Cursor | undefined> => {
    const message = findMessage(header, type);
    return message === undefined ? undefined : resolveMessage(file, message);
  };
  const spaceBody = await get(MESSAGE.dataspace);
  const typeBody = await get(MESSAGE.datatype);
  const layoutBody = await get(MESSAGE.layout);
  if (spaceBody === undefined || typeBody === undefined || layoutBody === undefined) {
    throw header.messages[0]!.body.fail("a dataset without dataspace, datatype or layout");
  }
  const filterBody = await get(MESSAGE.filters);
  const externalBody = await get(MESSAGE.externalFiles);
  const space = readDataspace(spaceBody);
  const type = readDatatype(typeBody);
  const layout = readLayout(layoutBody);
  const bytes = space.shape.reduce((n, size) => n * size, type.size);
  if (!Number.isSafeInteger(bytes)) throw spaceBody.fail(`${space.shape.join(" x ")} elements are too many`);
  if (layout.class === "chunked" && layout.chunk.length !== space.shape.length) {
    throw layoutBody.fail(`chunks of ${layout.chunk.length} dimensions for ${space.shape.length}`);
  }
  const fill = readAnyFill(await get(MESSAGE.fill), await get(MESSAGE.oldFill));
  return {
    file,
    address: header.address,
    space,
    type,
    layout,
    filters: filterBody === undefined ? [] : readFilters(filterBody),
    // A fill value of another size was written for another type.
    fill: fill?.byteLength === type.size ? fill : undefined,
    externalFiles: externalBody === undefined ? undefined : readExternalFiles(externalBody),
  };
}

/** Where both messages are there, the old one repeats the new one for readers that do not know it. */
function readAnyFill(modern: Cursor | undefined, old: Cursor | undefined): Uint8Array | undefined {
  if (modern !== undefined) return readFill(modern);
  return old === undefined ? undefined : readOldFill(old);
}
