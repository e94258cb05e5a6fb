import { GyreError } from "../../errors.ts";

/** What a name in a template stands for: text, a number, or a template that takes arguments. */
export type TemplateValue = string | number | ((args: ReadonlyMap<string, string | number>) => string);

const MAX_TEXT = 64 * 1024;
const MAX_DEPTH = 32;
const TOKEN = /\s*(?:(\d+)|([A-Za-z_]\w*)|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(\/\/|[-+*%~(),=]))/y;

/**
 * The part of Jinja that kerchunk's specification uses: `{{ }}` with names, whole numbers, text, `+ - * // % ~`,
 * parentheses, and calls of other templates with named arguments; `%` also formats (`"%03d" % i`).
 */
export function renderTemplate(template: string, names: ReadonlyMap<string, TemplateValue>): string {
  if (!template.includes("{{")) return template;
  if (template.length > MAX_TEXT) throw refuse(template, "it is too long");
  let length = 0;
  return template.replace(/\{\{(.*?)\}\}/gs, (_, expression: string) => {
    const made = String(new Expression(expression, names).value());
    length += made.length;
    if (length > MAX_TEXT) throw refuse(template, "it makes too long a text");
    return made;
  });
}

/** `templates` of a reference set; those with `{{ }}` become functions of their arguments alone. */
export function templateNames(templates: Iterable<readonly [string, string]>): Map<string, TemplateValue> {
  const names = new Map<string, TemplateValue>();
  for (const [name, text] of templates) {
    names.set(name, text.includes("{{") ? (args) => renderTemplate(text, args) : text);
  }
  return names;
}

type Token = { readonly kind: "number" | "name" | "text" | "sign" | "end"; readonly text: string };

/** A recursive-descent parser that computes while it reads. */
class Expression {
  readonly #source: string;
  readonly #names: ReadonlyMap<string, TemplateValue>;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(source: string, names: ReadonlyMap<string, TemplateValue>) {
    this.#source = source;
    this.#names = names;
    this.#tokens = tokens(source);
  }

  value(): string | number {
    const value = this.#sum();
    if (this.#peek().kind !== "end") throw refuse(this.#source, `"${this.#peek().text}" is not understood`);
    return value;
  }

  #sum(): string | number {
    let left = this.#product();
    for (let sign = this.#sign("+", "-", "~"); sign !== undefined; sign = this.#sign("+", "-", "~")) {
      const right = this.#product();
      if (sign === "~" || (sign === "+" && typeof left === "string" && typeof right === "string")) {
        left = bounded(this.#source, `${left}${right}`);
      } else {
        left = this.#number(
          sign === "+" ? this.#number(left) + this.#number(right) : this.#number(left) - this.#number(right),
        );
      }
    }
    return left;
  }

  #product(): string | number {
    let left = this.#unary();
    for (let sign = this.#sign("*", "//", "%"); sign !== undefined; sign = this.#sign("*", "//", "%")) {
      const right = this.#unary();
      if (sign === "%" && typeof left === "string") {
        left = this.#formatted(left, right);
        continue;
      }
      const [a, b] = [this.#number(left), this.#number(right)];
      // Python's floor division and its remainder, which has the divisor's sign.
      if (sign === "*") left = this.#number(a * b);
      else left = this.#number(sign === "//" ? Math.floor(a / b) : a - b * Math.floor(a / b));
    }
    return left;
  }

  #unary(): string | number {
    if (++this.#depth > MAX_DEPTH) throw refuse(this.#source, "it is nested too deeply");
    try {
      return this.#sign("-") === undefined ? this.#atom() : this.#number(-this.#number(this.#unary()));
    } finally {
      this.#depth--;
    }
  }

  #atom(): string | number {
    const token = this.#next();
    if (token.kind === "number") return this.#number(Number(token.text));
    if (token.kind === "text") return token.text;
    if (token.kind === "name") return this.#named(token.text);
    if (token.text !== "(") throw refuse(this.#source, `"${token.text}" is not understood`);
    const value = this.#sum();
    this.#expect(")");
    return value;
  }

  #named(name: string): string | number {
    const value = this.#names.get(name);
    if (this.#sign("(") === undefined) {
      if (typeof value === "function") return value(new Map());
      // As in Jinja, a name that nobody gave is empty.
      return value ?? "";
    }
    const args = new Map<string, string | number>();
    while (this.#sign(")") === undefined) {
      const key = this.#next();
      if (key.kind !== "name") throw refuse(this.#source, "arguments must be named");
      this.#expect("=");
      args.set(key.text, this.#sum());
      if (this.#peek().text !== ")") this.#expect(",");
    }
    if (typeof value !== "function") throw refuse(this.#source, `${name} is no template with arguments`);
    return value(args);
  }

  /** `"%03d" % 7`; one value, as `d` or `s`. */
  #formatted(format: string, value: string | number): string {
    return format.replace(/%(0?)(\d{0,2})([ds%])/g, (_, zero: string, width: string, kind: string) => {
      if (kind === "%") return "%";
      const text = String(kind === "d" ? this.#number(value) : value);
      return text.padStart(Number(width), zero === "" ? " " : "0");
    });
  }

  #number(value: string | number): number {
    if (typeof value === "number" && Number.isSafeInteger(value)) return value;
    throw refuse(this.#source, `${JSON.stringify(value)} is no whole number`);
  }

  #peek(): Token {
    return this.#tokens[this.#at]!;
  }

  #next(): Token {
    const token = this.#peek();
    if (token.kind !== "end") this.#at++;
    return token;
  }

  #sign(...signs: readonly string[]): string | undefined {
    const { kind, text } = this.#peek();
    if (kind !== "sign" || !signs.includes(text)) return undefined;
    this.#at++;
    return text;
  }

  #expect(sign: string): void {
    if (this.#sign(sign) === undefined) throw refuse(this.#source, `"${sign}" is missing`);
  }
}

function tokens(source: string): Token[] {
  const found: Token[] = [];
  const text = source.trimEnd();
  for (TOKEN.lastIndex = 0; TOKEN.lastIndex < text.length; ) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw refuse(source, `"${text.slice(at, at + 20).trim()}" is not understood`);
    const [, number, name, single, double, sign] = match;
    const quoted = single ?? double;
    if (number !== undefined) found.push({ kind: "number", text: number });
    else if (name !== undefined) found.push({ kind: "name", text: name });
    else if (quoted !== undefined) found.push({ kind: "text", text: quoted.replace(/\\(.)/gs, "$1") });
    else found.push({ kind: "sign", text: sign! });
  }
  found.push({ kind: "end", text: "the end" });
  return found;
}

function bounded(source: string, text: string): string {
  if (text.length > MAX_TEXT) throw refuse(source, "it makes too long a text");
  return text;
}

function refuse(template: string, reason: string): GyreError {
  return new GyreError("BadSource", `template {{${template.slice(0, 200)}}}: ${reason}`, { subject: "template" });
}
