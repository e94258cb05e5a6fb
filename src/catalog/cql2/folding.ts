/** Blocks with letters of two cases beyond ASCII, from Latin to Adlam. */
const RANGES: readonly (readonly [number, number])[] = [
  [0xb5, 0x587],
  [0x10a0, 0x10ff],
  [0x13a0, 0x13fd],
  [0x1c80, 0x1cbf],
  [0x1e00, 0x1fff],
  [0x2126, 0x2183],
  [0x24b6, 0x24e9],
  [0x2c00, 0x2cf3],
  [0xa640, 0xa7ff],
  [0xab53, 0xabbf],
  [0xfb00, 0xfb17],
  [0xff21, 0xff5a],
  [0x10400, 0x104ff],
  [0x10570, 0x105bc],
  [0x10c80, 0x10cf2],
  [0x10d50, 0x10d85],
  [0x118a0, 0x118df],
  [0x16e40, 0x16edf],
  [0x1e900, 0x1e943],
];
/** Small already, though its capital is the I of another letter. */
const DOTLESS = "\u0131";

/**
 * Full case folding (21-065r2, /req/case-insensitive-comparison/casei-function; Unicode 5.18): what has one capital is
 * one, and what its capitals are several letters is those. As CaseFolding.txt has it, but for Cherokee, which is made
 * small here, and capital there.
 */
function foldings(): readonly (readonly [string, string])[] {
  const found: [string, string][] = [];
  for (const [first, last] of RANGES) {
    for (let code = first; code <= last; code++) {
      const letter = String.fromCodePoint(code);
      const folded = letter.toLowerCase().toUpperCase().toLowerCase();
      if (folded !== letter && letter !== DOTLESS) found.push([letter, folded]);
    }
  }
  return found;
}

const FOLDINGS = foldings();
const FOLDED = new Map(FOLDINGS);
const isOne = ([, folded]: readonly [string, string]): boolean => [...folded].length === 1;
const SINGLE = FOLDINGS.filter(isOne);
const SEVERAL = FOLDINGS.filter((folding) => !isOne(folding));

/** Letters that fold to one, and those in the same order, for SQL's `translate`. */
export const LETTERS = SINGLE.map(([letter]) => letter).join("");
export const FOLDED_LETTERS = SINGLE.map(([, folded]) => folded).join("");
/** Letters that fold to several: a regular expression that finds them, and a JSON object of what they become. */
export const LONGER = `[${SEVERAL.map(([letter]) => letter).join("")}]`;
export const LONGER_FOLDED = JSON.stringify(Object.fromEntries(SEVERAL));

/** Marks that ACCENTI leaves away: the combining diacritics of a decomposed text. */
export const ACCENTS = "[\\u0300-\\u036f]";
const MARKS = new RegExp(ACCENTS, "g");

/**
 * Text for CASEI. What a database folds by itself depends on its locale and version; this table is the same in it and
 * here, so that one filter has one answer on every server.
 */
export function foldCase(text: string): string {
  return text.replace(/[A-Z\u00b5-\u{1e943}]/gu, (letter) =>
    letter <= "Z" ? letter.toLowerCase() : (FOLDED.get(letter) ?? letter),
  );
}

/** Text for ACCENTI. */
export function foldAccents(text: string): string {
  return text.normalize("NFD").replace(MARKS, "");
}
