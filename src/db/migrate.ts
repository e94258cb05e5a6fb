import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { GyreError, isGyreError } from "../errors.ts";
import type { Database, Pool } from "./database.ts";
import { LOCK_SPACE } from "./postgres.ts";

/** Numbered SQL files of one part of Gyre: `sql/{name}/0001_title.sql`. */
export interface MigrationSet {
  /** `log`, `node`, ... */
  readonly name: string;
  /** Where the files lie; the package's own `sql/{name}/` unless told otherwise. */
  readonly folder?: URL;
}

interface Migration {
  readonly number: number;
  readonly title: string;
  readonly sql: string;
  /** SHA-256 of the file. */
  readonly digest: string;
}

type Applied = Pick<Migration, "number" | "title" | "digest">;

const FILE_NAME = /^(\d{4})_([a-z0-9_]+)\.sql$/;
/** Beside `src/` in the repository, and beside the compiled `src/` in the package. */
const SQL = new URL("../../sql/", import.meta.url);

/**
 * Brings the pool's schema to the newest version of a set, all or nothing, and answers how many files were applied.
 * Safe when several processes do it at once. A set that was changed, or is older than the schema, is refused.
 */
export async function migrate(db: Pool, set: MigrationSet): Promise<number> {
  const migrations = await readSet(set);
  return db.transaction(async (tx) => {
    await tx.query("select pg_advisory_xact_lock($1, hashtext($2))", [LOCK_SPACE, db.schema]);
    const applied = await appliedOf(tx, db.schema, set.name);
    check(migrations, applied, `${db.schema}: ${set.name}`);
    const pending = migrations.slice(applied.length);
    for (const { number, title, sql, digest } of pending) {
      await tx.query(sql).catch((cause: Error) => {
        throw isGyreError(cause) ? cause : new Error(`${fileNameOf(number, title)}: ${cause.message}`, { cause });
      });
      await tx.query(`insert into ${db.schema}.migration (set, number, title, digest) values ($1, $2, $3, $4)`, [
        set.name,
        number,
        title,
        digest,
      ]);
    }
    return pending.length;
  });
}

async function readSet({ name, folder = new URL(`${name}/`, SQL) }: MigrationSet): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".sql")).sort();
  return Promise.all(
    files.map(async (file, i) => {
      const [, digits, title = ""] = FILE_NAME.exec(file) ?? [];
      const number = Number(digits);
      if (number !== i + 1)
        throw new Error(`${fileURLToPath(new URL(file, folder))}: file ${i + 1} of a set is named like 0001_title.sql`);
      const bytes = await readFile(new URL(file, folder));
      return { number, title, sql: bytes.toString(), digest: createHash("sha256").update(bytes).digest("hex") };
    }),
  );
}

async function appliedOf(tx: Database, schema: string, set: string): Promise<Applied[]> {
  await tx.query(`create table if not exists ${schema}.migration (
    set text not null,
    number int not null,
    title text not null,
    digest text not null,
    at timestamptz not null default now(),
    primary key (set, number)
  )`);
  return tx.query<Applied>(`select number, title, digest from ${schema}.migration where set = $1 order by number`, [
    set,
  ]);
}

function check(migrations: readonly Migration[], applied: readonly Applied[], where: string): void {
  for (const [i, { number, title, digest }] of applied.entries()) {
    const own = migrations[i];
    const file = fileNameOf(number, title);
    if (own === undefined)
      throw new GyreError("Unsupported", `${where} is at ${file}, which this Gyre does not know: install a newer one`, {
        subject: file,
      });
    if (own.digest !== digest)
      throw new GyreError(
        "Conflict",
        `${where}: ${file} was applied with other contents than this Gyre's; a released migration never changes`,
        { subject: file },
      );
  }
}

function fileNameOf(number: number, title: string): string {
  return `${String(number).padStart(4, "0")}_${title}.sql`;
}
