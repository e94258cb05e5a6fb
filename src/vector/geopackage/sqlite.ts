import { basename } from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { badSource, isGyreError } from "../../errors.ts";

export type Row = Record<string, SQLOutputValue>;

/** A value of a column: a geometry, a text. */
const MOST_VALUE = 256 * 1024 * 1024;

/** A name as SQL has it; a NUL would end the statement. */
export function quoted(name: string): string {
  return `"${name.replaceAll("\0", "\uFFFD").replaceAll('"', '""')}"`;
}

/**
 * A database that others wrote, for reading alone. Only its tables are asked: a view or a virtual table of a hostile file
 * could run for ever.
 */
export class ForeignDatabase implements Disposable {
  readonly #db: DatabaseSync;
  readonly #name: string;
  readonly #tables: ReadonlyMap<string, string>;

  constructor(path: string) {
    this.#name = basename(path);
    const url = pathToFileURL(path);
    // Nobody writes to it: no lock, and no files beside it.
    url.searchParams.set("immutable", "1");
    this.#db = this.#guarded(() => new DatabaseSync(url, { readOnly: true, limits: { length: MOST_VALUE } }));
    try {
      this.#guarded(() => this.#db.exec("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON"));
      const rows = [...this.#all("SELECT name, sql FROM sqlite_schema WHERE type = 'table' LIMIT 20000")];
      this.#tables = new Map(rows.map(({ name, sql }) => [String(name).toLowerCase(), String(sql)]));
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  hasTable(name: string): boolean {
    const sql = this.#tables.get(name.toLowerCase());
    return sql !== undefined && !/^\s*CREATE\s+VIRTUAL/i.test(sql);
  }

  hasTree(name: string): boolean {
    return /^\s*CREATE\s+VIRTUAL\s+TABLE\s+.*\s+USING\s+"?rtree"?\s*\(/is.test(
      this.#tables.get(name.toLowerCase()) ?? "",
    );
  }

  /** Rows of a statement, as they are asked for. Integers are `bigint`. */
  *rows(sql: string, ...parameters: readonly (string | number)[]): Generator<Row> {
    yield* this.#all(sql, ...parameters);
  }

  *#all(sql: string, ...parameters: readonly (string | number)[]): Generator<Row> {
    const rows = this.#guarded(() => {
      const statement = this.#db.prepare(sql);
      statement.setReadBigInts(true);
      return statement.iterate(...parameters);
    });
    try {
      for (;;) {
        const next = this.#guarded(() => rows.next());
        if (next.done === true) return;
        yield next.value as Row;
      }
    } finally {
      rows.return?.();
    }
  }

  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw isGyreError(error) ? error : badSource(this.#name, undefined, (error as Error).message, error);
    }
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
