import { GyreError } from "../../errors.ts";

/** Characters of an expression in text. */
export const MAX_TEXT = 16_384;
/** Operators, functions and parentheses inside one another. */
export const MAX_DEPTH = 64;
/** Operators and operands of one expression. */
export const MAX_NODES = 2000;
/** Positions of all geometries of one expression. */
export const MAX_POSITIONS = 20_000;

/** Counts what an expression is made of while it is read, so that a hostile one ends early. */
export class Budget {
  #nodes = 0;
  #positions = 0;
  readonly #refuse: (reason: string) => GyreError;

  constructor(refuse: (reason: string) => GyreError) {
    this.#refuse = refuse;
  }

  node(depth: number): void {
    if (++this.#nodes > MAX_NODES) throw this.#refuse(`more than ${MAX_NODES} operators and operands`);
    if (depth > MAX_DEPTH) throw this.#refuse(`nested deeper than ${MAX_DEPTH}`);
  }

  position(): void {
    if (++this.#positions > MAX_POSITIONS) throw this.#refuse(`more than ${MAX_POSITIONS} positions`);
  }
}

/** Whether a text can be compared with what a database holds. */
export function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}
export const UNSTORABLE = "text with a NUL or half a character";

/** Whether a text may name a property: quotes would end it in the text encoding. */
export function isName(text: string): boolean {
  return text !== "" && text.length <= 200 && !/["\p{Cc}]/u.test(text) && text.isWellFormed();
}
export const UNNAMED = "a property's name has 1 to 200 characters, no quotes and no control characters";

/** A refused filter in the text encoding; `at` counts characters from 1. */
export function refusedText(at: number, reason: string, allowed?: readonly string[]): GyreError {
  return new GyreError("BadRequest", `filter, character ${at}: ${reason}`, {
    subject: "filter",
    offset: at,
    ...(allowed === undefined ? {} : { allowed }),
  });
}

/** A refused filter in the JSON encoding. */
export function refusedJson(pointer: string, reason: string, allowed?: readonly string[]): GyreError {
  return new GyreError("BadRequest", `filter${pointer === "" ? "" : ` at ${pointer}`}: ${reason}`, {
    subject: "filter",
    faults: [{ pointer, detail: reason }],
    ...(allowed === undefined ? {} : { allowed }),
  });
}
