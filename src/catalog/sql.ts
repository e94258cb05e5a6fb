/** A piece of SQL with the values of its `$1`, `$2`, ... */
export interface Sql {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** SQL that has no values: only ever what is written in this source. */
export function raw(text: string): Sql {
  return { text, values: [] };
}

/** Template of SQL: pieces are put in with their values renumbered, everything else is bound. */
export function sql(strings: TemplateStringsArray, ...parts: readonly unknown[]): Sql {
  const values: unknown[] = [];
  let text = strings[0] as string;
  parts.forEach((part, i) => {
    if (isSql(part)) {
      const shift = values.length;
      text += part.text.replaceAll(/\$(\d+)/g, (_, n: string) => `$${Number(n) + shift}`);
      values.push(...part.values);
    } else {
      values.push(part);
      text += `$${values.length}`;
    }
    text += strings[i + 1];
  });
  return { text, values };
}

/** All of them; true when there are none. */
export function and(pieces: readonly Sql[]): Sql {
  return pieces.length === 0 ? raw("true") : joined(pieces, " and ");
}

/** Any of them; false when there are none. */
export function or(pieces: readonly Sql[]): Sql {
  return pieces.length === 0 ? raw("false") : sql`(${joined(pieces, " or ")})`;
}

/** One after the other, with what stands between. */
export function joined(pieces: readonly Sql[], separator: string): Sql {
  return pieces.reduce((all, piece, i) => (i === 0 ? piece : sql`${all}${raw(separator)}${piece}`), raw(""));
}

function isSql(part: unknown): part is Sql {
  return typeof part === "object" && part !== null && "text" in part && "values" in part;
}
