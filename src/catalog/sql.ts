/** A piece of SQL with the values of its `$1`, `$2`, ... A class, so that no document can pass for one. */
export class Sql {
  readonly text: string;
  readonly values: readonly unknown[];

  constructor(text: string, values: readonly unknown[] = []) {
    this.text = text;
    this.values = values;
  }
}

/** Template of SQL: pieces are put in with their values renumbered, everything else is bound. */
export function sql(strings: TemplateStringsArray, ...parts: readonly unknown[]): Sql {
  const values: unknown[] = [];
  let text = strings[0] as string;
  parts.forEach((part, i) => {
    if (part instanceof Sql) {
      const shift = values.length;
      text += part.text.replaceAll(/\$(\d+)/g, (_, n: string) => `$${Number(n) + shift}`);
      values.push(...part.values);
    } else {
      values.push(part);
      text += `$${values.length}`;
    }
    text += strings[i + 1];
  });
  return new Sql(text, values);
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
  return pieces.reduce((all, piece, i) => (i === 0 ? piece : sql`${all}${new Sql(separator)}${piece}`), new Sql(""));
}
