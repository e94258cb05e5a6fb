/** Keys are the decoded paths of URLs: what S3 and Swift call object names and a file system calls paths. */

/** Decoded once; undefined when the path could be read as another one: encoded slashes, backslashes, NUL, bad escapes. */
export function decodeKey(pathname: string): string | undefined {
  if (/%(00|2f|5c)|\\/i.test(pathname)) return undefined;
  try {
    return decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
}

/** Escapes what the URL parser would, so that a listed address and a typed one are the same text. */
export function encodeKey(key: string): string {
  return encodeURI(key).replace(/[?#]/g, encodeURIComponent);
}

/** The address of `key` below `folder`; undefined for keys that no URL can say (dot segments, backslashes). */
export function urlOfKey(folder: URL, key: string): URL | undefined {
  if (!key.isWellFormed()) return undefined;
  // "./" because a first segment such as `a:b` would be taken for a scheme.
  const url = new URL(`./${encodeKey(key)}`, folder);
  return decodeKey(url.pathname) === `${decodeKey(folder.pathname)}${key}` ? url : undefined;
}

/** Code-point order, which is the byte order of UTF-8 that object stores list in; `<` compares UTF-16 units. */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const surrogates = Number(isSurrogate(x)) - Number(isSurrogate(y));
    return surrogates === 0 ? x - y : surrogates;
  }
  return a.length - b.length;
}

/** Orders addresses below one folder by their keys. */
export function byKey(a: URL, b: URL): number {
  return byCodePoint(decodeKey(a.pathname) ?? a.pathname, decodeKey(b.pathname) ?? b.pathname);
}

/**
 * True when `url` is `prefix` or lies below it, by whole path segments: `/data` does not hold `/database`. Compares
 * decoded paths, so that an escape spelled differently is still the same place.
 */
export function isWithin(url: URL, prefix: URL): boolean {
  if (url.protocol !== prefix.protocol || url.host !== prefix.host || url.username !== "" || url.password !== "") {
    return false;
  }
  const path = decodeKey(url.pathname);
  const base = decodeKey(prefix.pathname);
  if (path === undefined || base === undefined) return false;
  return path === base || path.startsWith(base.endsWith("/") ? base : `${base}/`);
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
