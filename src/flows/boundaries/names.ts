import { GyreError } from "../../errors.ts";

/** What a boundary may be called: fit for a folder's name, an address, a key. */
export const BOUNDARY_NAME = /^[a-z0-9_-]{1,100}$/;
/** Of names for people, in characters: those and what is searched by share a row of an index. */
export const LONGEST_LONG_NAME = 200;
const LONGEST_FOLDED = 300;

const MARKS = /\p{M}/gu;
/** Letters that are no others with a mark. */
const LETTERS: Readonly<Record<string, string>> = {
  æ: "ae",
  œ: "oe",
  ø: "o",
  ß: "ss",
  ð: "d",
  þ: "th",
  ł: "l",
  đ: "d",
  ħ: "h",
  ı: "i",
  ŋ: "ng",
  ə: "e",
};

/** Text that is compared and sorted by: without case and accents. */
export function foldedText(text: string): string {
  const plain = text.normalize("NFKD").replace(MARKS, "").toLowerCase();
  return plain.replace(/[æœøßðþłđħıŋə]/g, (letter) => LETTERS[letter] ?? letter);
}

/** What a long name is found and sorted by; some single characters become many. */
export function searchText(nameLong: string): string {
  return foldedText(nameLong).slice(0, LONGEST_FOLDED);
}

/** A name out of any text: all but a-z 0-9 _ - is left out, as the founding system did. Undefined where nothing is left. */
export function foldedName(text: string): string | undefined {
  return (
    foldedText(text)
      .replace(/[^a-z0-9_-]/g, "")
      .slice(0, 100) || undefined
  );
}

/** Throws BadRequest: nothing else can be stored, or asked for. */
export function checkName(name: string): string {
  if (BOUNDARY_NAME.test(name)) return name;
  throw new GyreError("BadRequest", `${JSON.stringify(name)} is no name of a boundary: 1 to 100 of a-z 0-9 _ -`);
}
