import { readFileSync } from "node:fs";

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));
}

/** Expressions of the standard (OGC 21-065r2, clauses 6 to 8 and annex B) and others of every kind, as text. */
export const EXAMPLES = readJson("examples.json") as readonly string[];

/** The same in JSON as cql2-rs writes them (`peer.py`). */
export const BY_PEER = readJson("examples-by-cql2-rs.json") as readonly unknown[];
