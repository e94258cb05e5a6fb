/** Ranges with letters of two cases whose small form is one character: Latin, Greek, Cyrillic, Armenian. */
const RANGES: readonly (readonly [number, number])[] = [
  [0xc0, 0x24f],
  [0x370, 0x52f],
  [0x531, 0x556],
  [0x1e00, 0x1fff],
];

function pairs(): readonly (readonly [string, string])[] {
  const found: [string, string][] = [];
  for (const [first, last] of RANGES) {
    for (let code = first; code <= last; code++) {
      const large = String.fromCharCode(code);
      const small = large.toLowerCase();
      if (small !== large && small.length === 1) found.push([large, small]);
    }
  }
  return found;
}

const PAIRS = pairs();
const SMALL = new Map(PAIRS);

/** Capitals beyond ASCII and their small letters in the same order, for SQL's `translate`. */
export const CAPITALS = PAIRS.map(([large]) => large).join("");
export const SMALLS = PAIRS.map(([, small]) => small).join("");

/** Marks that ACCENTI leaves away: the combining diacritics of a decomposed text. */
export const ACCENTS = "[\\u0300-\\u036f]";
const MARKS = new RegExp(ACCENTS, "g");

/**
 * Text for CASEI. A database's own lower case depends on its locale; this table is the same in it and here, so that one
 * filter has one answer on every server.
 */
export function foldCase(text: string): string {
  return text.replace(/[A-Z\u00c0-\u1fff]/g, (letter) =>
    letter <= "Z" ? letter.toLowerCase() : (SMALL.get(letter) ?? letter),
  );
}

/** Text for ACCENTI. */
export function foldAccents(text: string): string {
  return text.normalize("NFD").replace(MARKS, "");
}
