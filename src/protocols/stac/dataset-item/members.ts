import type { Json } from "../../../core/array.ts";

/** Members of a JSON object. */
export type Members = { readonly [name: string]: Json };

const LONGEST = 5000;

/** Text of a file as a document has it; absent where there is none. */
export function optional(name: string, text: string | undefined): Members {
  const plain = text === undefined ? "" : plainText(text);
  return plain === "" ? {} : { [name]: plain };
}

/** Bounded, and without what databases refuse: NUL, and halves of characters that a cut may leave. */
export function plainText(text: string, longest = LONGEST): string {
  return text.slice(0, longest).replaceAll("\0", "").toWellFormed().trim();
}
