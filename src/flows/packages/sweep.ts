import type { IoCall } from "../../core/array.ts";
import { GyreError } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import type { Moment } from "./change-datapackage.ts";
import { type DataPackage, datasetFolder, datasetsOf, filesOf } from "./datapackage.ts";
import type { Swept } from "./package-store.ts";

const BOUNDARY = /^(?:[0-9a-f]{16}\/)?boundary\.geojson$/;

/**
 * Deletes what `datapackage` has not named for `keepMs`: files of tries that broke off, which may still go on, and of
 * states before, which clients may still be reading. Only where the package has something: what lies in folders of
 * dataset versions that it does not know was put there by somebody else, or will be known soon.
 */
export async function sweepPackage(
  files: Files,
  folder: URL,
  datapackage: DataPackage,
  { now, keepMs }: Moment,
  call?: IoCall,
): Promise<Swept> {
  const { list, delete: remove } = files;
  if (list === undefined || remove === undefined) throw new GyreError("Unsupported", `${folder} cannot be swept`);
  const since = now.getTime() - keepMs;
  const recent = datapackage.history.filter(({ time }) => Date.parse(time) > since);
  const left = recent.flatMap(({ changes }) => changes.flatMap((change) => change.left ?? []));
  const kept = new Set([...left, ...filesOf(datapackage).map(({ path }) => path)]);
  const folders = datasetsOf(datapackage).map((one) => `${datasetFolder(one)}data/`);
  const isOurs = (path: string): boolean => BOUNDARY.test(path) || folders.some((one) => path.startsWith(one));
  let swept = { files: 0, bytes: 0 };
  for await (const { url, info } of list(folder, { ...call, recursive: true })) {
    const path = url.href.slice(folder.href.length);
    if (kept.has(path) || !isOurs(path)) continue;
    const { size, modified } = info?.modified === undefined ? ((await files.head(url, call)) ?? { size: 0 }) : info;
    if (modified === undefined || modified.getTime() > since) continue;
    await remove(url, call);
    swept = { files: swept.files + 1, bytes: swept.bytes + size };
  }
  return swept;
}
