/**
 * How a source is called before everybody: of local files only what lies below one of `roots` (with the root's own
 * name), else the last part; of remote ones no credentials and no query, which may be a signature. Of a cube's addresses,
 * which blanks part, each.
 */
export function publicSource(source: string, roots: readonly URL[] = []): string {
  return source
    .split(" ")
    .map((part) => publicAddress(part, roots))
    .join(" ");
}

function publicAddress(source: string, roots: readonly URL[]): string {
  const url = URL.parse(source);
  if (url === null) return source;
  if (url.protocol !== "file:") return `${url.protocol}//${url.host}${decoded(url.pathname)}`;
  const root = roots.find(({ protocol, pathname }) => protocol === "file:" && isBelow(url.pathname, pathname));
  const shown = root === undefined ? url.pathname : root.pathname;
  const from = shown.lastIndexOf("/", shown.length - 2) + 1;
  return decoded(url.pathname.slice(from));
}

/** A text in which every address is written as `publicSource` writes it. */
export function publicText(text: string, roots: readonly URL[] = []): string {
  return text.replace(/\b[a-z][a-z0-9+.-]*:\/\/[^\s,;"'<>]+/g, (found) => {
    const end = /[.:)\]]*$/.exec(found)!.index;
    return publicSource(found.slice(0, end), roots) + found.slice(end);
  });
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
