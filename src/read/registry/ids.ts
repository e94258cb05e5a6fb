import { createHash } from "node:crypto";

const MOST = 200;

/** Characters other than `A-Z a-z 0-9 . _ -` become `_`, and so does a dot in front, which would hide the dataset. */
export function idText(text: string): string {
  const clean = text
    .normalize("NFC")
    .replace(/[^A-Za-z0-9._-]/gu, "_")
    .replace(/^\./, "_");
  if (clean.length <= MOST) return clean === "" ? "_" : clean;
  // Paths that long differ at their ends; the digest keeps what is cut off.
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 8);
  return `${clean.slice(0, MOST - 9)}-${digest}`;
}

/**
 * The id of a dataset at first sight: its path with `/` as `.` and without its suffix; with its suffix when that is
 * taken; then with `-2`, `-3`, ...
 */
export function newId(path: string, suffixes: readonly string[], isTaken: (id: string) => boolean): string {
  const dotted = path.replace(/^\/+|\/+$/g, "").replaceAll("/", ".");
  const lower = dotted.toLowerCase();
  const suffix = suffixes
    .filter((s) => lower.endsWith(s.toLowerCase()) && dotted.length > s.length)
    .reduce((longest, s) => (s.length > longest.length ? s : longest), "");
  const short = idText(dotted.slice(0, dotted.length - suffix.length));
  if (!isTaken(short)) return short;
  const full = idText(dotted);
  for (let n = 1; ; n++) {
    const tail = n === 1 ? "" : `-${n}`;
    const id = full.slice(0, MOST - tail.length) + tail;
    if (!isTaken(id)) return id;
  }
}
