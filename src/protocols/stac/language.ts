import type { Json } from "../../core/stac.ts";

/** A catalogue's own texts; its documents are in the languages that they were published in. */
export interface Translation {
  readonly title?: string | undefined;
  readonly description?: string | undefined;
}

/** By RFC 5646 tags. */
export interface Languages {
  /** Of titles and descriptions that are not translated. */
  readonly own: string;
  readonly translations: Readonly<Record<string, Translation>>;
}

export const ENGLISH: Languages = { own: "en", translations: {} };
const EXTENSION = "https://stac-extensions.github.io/language/v1.0.0/schema.json";

/** Longer lists of wishes are not read to their end. */
const MOST_RANGES = 50;

/**
 * The language that a client likes best of those there are, by `?language=` or `Accept-Language` (STAC API Language;
 * lookup of RFC 4647, section 3.4); the catalogue's own when it likes none of them.
 */
export function languageOf(request: Request, { own, translations }: Languages): string {
  const wished = new URL(request.url).searchParams.get("language") ?? request.headers.get("accept-language") ?? "";
  const there = [own, ...Object.keys(translations)];
  for (const range of ranges(wished)) {
    if (range === "*") return own;
    for (let part = range; part !== ""; part = part.slice(0, Math.max(part.lastIndexOf("-"), 0))) {
      const found = there.find((tag) => tag.toLowerCase() === part || tag.toLowerCase().startsWith(`${part}-`));
      if (found !== undefined) return found;
    }
  }
  return own;
}

/** `de-DE,de;q=0.9`, the best first; what weighs nothing is not wanted. */
function ranges(text: string): string[] {
  const wished = text
    .toLowerCase()
    .split(",", MOST_RANGES)
    .flatMap((entry) => {
      const [, range, weight = "1"] =
        /^\s*(\*|[a-z]{1,8}(?:-[a-z0-9]{1,8}){0,8})\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?$/.exec(entry) ?? [];
      return range === undefined || Number(weight) === 0 ? [] : [{ range, weight: Number(weight) }];
    });
  return wished.sort((a, b) => b.weight - a.weight).map(({ range }) => range);
}

/** What a catalogue of several languages says of them (STAC Language extension). */
export function languageMembers(chosen: string, { own, translations }: Languages): { readonly [name: string]: Json } {
  if (Object.keys(translations).length === 0) return {};
  const others = [own, ...Object.keys(translations)].filter((tag) => tag !== chosen);
  return { stac_extensions: [EXTENSION], language: nameOf(chosen), languages: others.map(nameOf) };
}

function nameOf(code: string): { readonly [name: string]: string } {
  const [name = code, alternate = code] = [code, "en"].map((inLanguage) =>
    new Intl.DisplayNames([inLanguage], { type: "language" }).of(code),
  );
  return { code, name, ...(alternate === name ? {} : { alternate }) };
}
