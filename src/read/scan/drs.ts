import { decodedPath } from "../../core/glob.ts";

/**
 * The Data Reference Syntax of CMIP6 (global attributes, DRS, file names, directory structure; v6.2.7):
 * `CMIP6/<activity>/<institution>/<source>/<experiment>/<member>/<table>/<variable>/<grid>/v<date>/`.
 */
const FOLDERS = 10;
const PART = /^[A-Za-z0-9-]+$/;
const VERSION = /^v\d{1,8}$/;
const MEMBER = /^(?:[A-Za-z0-9]+-)?r\d+i\d+p\d+f\d+$/;
/** `<variable>_<table>_<source>_<experiment>_<member>_<grid>[_<start>-<end>[-clim]].nc` */
const FILE =
  /^([A-Za-z0-9-]+)_([A-Za-z0-9-]+)_([A-Za-z0-9-]+)_([A-Za-z0-9-]+)_([A-Za-z0-9-]+)_([A-Za-z0-9]+)(?:_(\d{4,14})-(\d{4,14})(?:-clim)?)?\.nc$/;

export interface DrsFile {
  /** The dataset's id in DRS: its folders with dots. */
  readonly id: string;
  /** The folder, as an address that ends in `/`. */
  readonly folder: string;
}

/** The DRS dataset that a file belongs to by its folders and its name, which must agree; undefined: not in DRS. */
export function drsOf(url: URL): DrsFile | undefined {
  const parts = url.pathname.split("/");
  const file = FILE.exec(decodedPath(parts.pop() ?? ""));
  const folders = parts.slice(-FOLDERS).map(decodedPath);
  if (file === null || folders.length < FOLDERS || folders[0] !== "CMIP6") return undefined;
  const [, , , source, experiment, member, table, variable, grid, version] = folders;
  if (!folders.slice(1).every((part) => PART.test(part))) return undefined;
  if (!VERSION.test(version!) || !MEMBER.test(member!)) return undefined;
  const named = file.slice(1, 7);
  const expected = [variable, table, source, experiment, member, grid];
  if (!named.every((part, i) => part === expected[i])) return undefined;
  return { id: folders.join("."), folder: new URL("./", url).href };
}
