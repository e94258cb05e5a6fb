import { refusedText } from "./limits.ts";

/** A piece of text-encoded CQL2. `at` counts characters from 1. */
export type Token =
  | { readonly kind: "name" | "quoted" | "string" | "symbol"; readonly text: string; readonly at: number }
  | { readonly kind: "number"; readonly text: string; readonly value: number; readonly at: number }
  | { readonly kind: "end"; readonly text: ""; readonly at: number };

const SPACE = /\s+/y;
/** Identifiers (21-065r2, annex B): letters, `_` and `:` first, then also digits and dots. */
const NAME = /[:_\p{L}][\p{L}\p{M}\p{Nd}:_.\u00b7\u203f\u2040]*/uy;
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const SYMBOL = /<>|<=|>=|[<>=(),+\-*/%^]/y;
/** A quote inside is doubled, or escaped by a backslash. */
const STRING = /'((?:[^'\\]|''|\\'|\\(?!'))*)'/y;
const QUOTED = /"([^"]+)"/y;

/** Cuts an expression into tokens, the last one being `end`. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text) ?? undefined;
  };
  while (at < text.length) {
    const space = take(SPACE);
    if (space !== undefined) {
      at += space[0].length;
      continue;
    }
    const found = next(take, at + 1);
    if (found === undefined) throw unreadable(text, at);
    tokens.push(found.token);
    at += found.length;
  }
  return [...tokens, { kind: "end", text: "", at: text.length + 1 }];
}

function next(
  take: (pattern: RegExp) => RegExpExecArray | undefined,
  at: number,
): { token: Token; length: number } | undefined {
  const name = take(NAME);
  if (name !== undefined) return { token: { kind: "name", text: name[0], at }, length: name[0].length };
  const number = take(NUMBER);
  if (number !== undefined) {
    const value = Number(number[0]);
    if (!Number.isFinite(value)) throw refusedText(at, `${number[0].slice(0, 40)} is beyond any number`);
    return { token: { kind: "number", text: number[0], value, at }, length: number[0].length };
  }
  const symbol = take(SYMBOL);
  if (symbol !== undefined) return { token: { kind: "symbol", text: symbol[0], at }, length: symbol[0].length };
  const string = take(STRING);
  if (string !== undefined) {
    const value = string[1]!.replace(/''|\\'/g, "'");
    return { token: { kind: "string", text: value, at }, length: string[0].length };
  }
  const quoted = take(QUOTED);
  if (quoted !== undefined) return { token: { kind: "quoted", text: quoted[1]!, at }, length: quoted[0].length };
  return undefined;
}

function unreadable(text: string, at: number): Error {
  const character = String.fromCodePoint(text.codePointAt(at)!);
  if (character === "'") return refusedText(at + 1, "text begins here and never ends");
  if (character === '"') return refusedText(at + 1, "a quoted name begins here and never ends");
  return refusedText(at + 1, `${JSON.stringify(character)} means nothing here`);
}
