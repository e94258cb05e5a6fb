import type { GyreError } from "../../errors.ts";
import { refusedText } from "./limits.ts";
import { type Token, tokenize } from "./tokens.ts";

/** Goes through the tokens of a filter, one ahead at most two. */
export class TextReader {
  readonly #tokens: readonly Token[];
  #index = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  peek(): Token {
    return this.#tokens[this.#index]!;
  }

  take(): Token {
    const token = this.peek();
    if (token.kind !== "end") this.#index++;
    return token;
  }

  isWord(word: string): boolean {
    const token = this.peek();
    return token.kind === "name" && token.text.toLowerCase() === word;
  }

  takeWord(word: string): boolean {
    if (!this.isWord(word)) return false;
    this.#index++;
    return true;
  }

  expectWord(word: string): void {
    if (!this.takeWord(word)) throw this.refuse([word.toUpperCase()]);
  }

  takeSymbol(symbol: string): boolean {
    const token = this.peek();
    if (token.kind !== "symbol" || token.text !== symbol) return false;
    this.#index++;
    return true;
  }

  expectSymbol(symbol: string): void {
    if (!this.takeSymbol(symbol)) throw this.refuse([symbol]);
  }

  /** The word that comes has arguments. */
  isCall(): boolean {
    const next = this.#tokens[this.#index + 1];
    return next?.kind === "symbol" && next.text === "(";
  }

  /** The word after the one that comes. */
  wordAfter(): string | undefined {
    const next = this.#tokens[this.#index + 1];
    return next?.kind === "name" ? next.text.toLowerCase() : undefined;
  }

  /** An error at the token that comes. */
  refuse(allowed: readonly string[]): GyreError {
    const { at, text, kind } = this.peek();
    const found = kind === "end" ? "the end" : JSON.stringify(text.slice(0, 40));
    return refusedText(at, `found ${found}, expected ${allowed.join(" or ")}`, allowed);
  }
}
