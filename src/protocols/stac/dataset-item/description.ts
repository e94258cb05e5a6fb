import type { Opened } from "../../../core/access.ts";
import type { Attrs } from "../../../core/array.ts";
import { textAttr } from "../../../core/attrs.ts";
import type { StacLink } from "../../../core/stac.ts";
import { type Members, optional, plainText } from "./members.ts";
import { dateAttr } from "./period.ts";

const MOST_KEYWORDS = 50;

/** STAC's common metadata as CF and ACDD attributes say it. */
export function commonProperties({ id, dataset: { attrs } }: Opened, created: string | undefined): Members {
  const first = (...names: readonly string[]): string | undefined =>
    names.map((name) => textAttr(attrs, name)?.trim()).find((text) => text !== undefined && text !== "");
  const producer = first("institution", "creator_name", "institution_id", "Institution");
  const url = httpUrl(first("creator_url", "publisher_url"));
  const keywords = plainText(first("keywords") ?? "")
    .split(/\s*[,;]\s*/)
    .filter((word) => word !== "");
  const license = first("license", "licence", "License");
  const updated = dateAttr(first("date_modified", "date_metadata_modified")) ?? created;
  return {
    ...optional("title", first("title") ?? id),
    ...optional("description", first("summary", "abstract", "description", "comment")),
    ...(keywords.length === 0 ? {} : { keywords: keywords.slice(0, MOST_KEYWORDS) }),
    ...(license === undefined ? {} : { license: spdx(license) }),
    ...(producer === undefined
      ? {}
      : {
          providers: [{ name: plainText(producer, 500), roles: ["producer"], ...(url === undefined ? {} : { url }) }],
        }),
    ...optional("created", created),
    ...optional("updated", updated),
  };
}

/** When it was made: by its attributes, else by its file. */
export function createdAt({ dataset: { attrs }, modified }: Opened): string | undefined {
  return statedCreation(attrs) ?? modified?.toISOString().replace(/\.\d+/, "");
}

/** When the attributes say that it was made: they themselves, or the last line of the history. */
export function statedCreation(attrs: Attrs): string | undefined {
  for (const name of ["creation_date", "date_created", "DateCreated", "date"]) {
    const found = dateAttr(textAttr(attrs, name));
    if (found !== undefined) return found;
  }
  return historyDate(textAttr(attrs, "history"));
}

/** `Mon Mar 22 16:34:20 2010: ncks ...` as NCO and CDO write it, or a date at the line's beginning. */
function historyDate(history: string | undefined): string | undefined {
  const line = history?.slice(0, 200).trim().split("\n")[0];
  if (line === undefined) return undefined;
  const match = /^\w{3} (\w{3}) +(\d{1,2}) (\d\d:\d\d:\d\d) (?:[A-Z]{3,4} )?(\d{4})/.exec(line);
  if (match === null) return dateAttr(line);
  const at = new Date(`${match[2]} ${match[1]} ${match[4]} ${match[3]} UTC`);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString().replace(".000", "");
}

/** Links to what the attributes point at. */
export function attributeLinks(attrs: Attrs): readonly StacLink[] {
  const license = /https?:\/\/[^\s)>\]"']+/.exec((textAttr(attrs, "license") ?? "").slice(0, 5000))?.[0];
  const links: StacLink[] = [];
  const add = (rel: string, text: string | undefined, title: string): void => {
    const href = httpUrl(text);
    if (href !== undefined) links.push({ rel, href, title });
  };
  add("license", license?.replace(/[.,;]+$/, ""), "License");
  add("about", textAttr(attrs, "further_info_url") ?? textAttr(attrs, "references"), "Further information");
  return links;
}

/** The identifier of SPDX for the licences of open data; STAC's `other` for any other text. */
export function spdx(text: string): string {
  const trimmed = text.trim();
  if (/^(?:CC0|CC-BY(?:-NC)?(?:-SA|-ND)?)-\d\.\d$/.test(trimmed)) return trimmed;
  if (/\bCC0\b|public domain dedication/i.test(text.slice(0, 1000))) return "CC0-1.0";
  const match = /(?:Creative Commons Attribution|\bCC[ -]BY)([^.\n]{0,60}?)[ -]*([34]\.0)/i.exec(text.slice(0, 1000));
  if (match === null) return "other";
  const part = (pattern: RegExp, name: string): string => (pattern.test(match[1]!) ? name : "");
  const parts = `${part(/non-?commercial|\bNC\b/i, "-NC")}${part(/share-?\[?\]?alike|\bSA\b/i, "-SA")}`;
  return `CC-BY${parts}-${match[2]}`;
}

function httpUrl(text: string | undefined): string | undefined {
  const url = text === undefined || text.length > 2000 ? null : URL.parse(text.trim());
  return url !== null && /^https?:$/.test(url.protocol) ? url.href : undefined;
}
