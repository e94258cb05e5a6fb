/** A piece of SQL with the values that it binds. A class, so that no document can pass for one. */
export class Sql {
  /** The text between the values: one more than they are. */
  readonly pieces: readonly string[];
  readonly values: readonly unknown[];

  constructor(text: string | readonly string[], values: readonly unknown[] = []) {
    this.pieces = typeof text === "string" ? [text] : text;
    this.values = values;
  }

  /** The text with `$1`, `$2`, ... for the values. */
  get text(): string {
    return this.write((_, i) => `$${i + 1}`);
  }

  /** The text with each value as `bind` has it. */
  write(bind: (value: unknown, index: number) => string): string {
    const [first = "", ...others] = this.pieces;
    return others.reduce((text, piece, i) => text + bind(this.values[i], i) + piece, first);
  }
}

/** Text in which `$1`, `$2`, ... stand for values. */
export function numbered(text: string, values: readonly unknown[]): Sql {
  const parts = text.split(/\$(\d+)/);
  const numbers = parts.filter((_, i) => i % 2 === 1);
  return new Sql(
    parts.filter((_, i) => i % 2 === 0),
    numbers.map((number) => values[Number(number) - 1]),
  );
}

/** Template of SQL: pieces are put in with their values, everything else is bound. */
export function sql(strings: TemplateStringsArray, ...parts: readonly unknown[]): Sql {
  const of = parts.map((part) => (part instanceof Sql ? part : new Sql(["", ""], [part])));
  return woven(of, (i) => strings[i] as string);
}

/** All of them; true when there are none. */
export function and(pieces: readonly Sql[]): Sql {
  return pieces.length === 0 ? new Sql("true") : joined(pieces, " and ");
}

/** Any of them; false when there are none. */
export function or(pieces: readonly Sql[]): Sql {
  return pieces.length === 0 ? new Sql("false") : sql`(${joined(pieces, " or ")})`;
}

/** One after the other, with what stands between. */
export function joined(pieces: readonly Sql[], separator: string): Sql {
  return woven(pieces, (i) => (i === 0 || i === pieces.length ? "" : separator));
}

/** Pieces with what stands before each, and behind the last. */
function woven(of: readonly Sql[], before: (index: number) => string): Sql {
  const pieces = [before(0)];
  const values: unknown[] = [];
  of.forEach((piece, i) => {
    const [first = "", ...others] = piece.pieces;
    pieces[pieces.length - 1] += first;
    pieces.push(...others);
    pieces[pieces.length - 1] += before(i + 1);
    values.push(...piece.values);
  });
  return new Sql(pieces, values);
}
