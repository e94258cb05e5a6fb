import { GyreError } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import type { Entry } from "./entry.ts";
import { newId } from "./ids.ts";

/** What makes an entry; its id comes from `path` unless one is given. */
export type Registration = Omit<Entry, "id" | "aliases"> & { readonly path: string; readonly id?: string };

/** Ids and what they stand for, kept over restarts. */
export interface Names {
  /** By id or alias. */
  get(id: string): Entry | undefined;
  byKey(key: string): Entry | undefined;
  entries(): Iterable<Entry>;
  /** Present ids in code-point order. */
  ids(): readonly string[];
  /** A source that is known keeps its id; a given id becomes the canonical one, and the old one an alias. */
  add(registration: Registration): Entry;
  update(entry: Entry): void;
  /** Grows with every change. */
  readonly changes: number;
  /** Writes what has changed. */
  save(): Promise<void>;
}

interface Line extends Entry {
  readonly v: 1;
}

/** Loads the registry's file (JSON Lines); absent: a new one. Damaged lines are left out and given to `report`. */
export async function openNames(
  store: { readonly files: Files; readonly url: URL } | undefined,
  suffixes: readonly string[],
  report: (reason: string) => void = () => undefined,
): Promise<Names> {
  const byKey = new Map<string, Entry>();
  const byId = new Map<string, Entry>();
  let sorted: readonly string[] | undefined;
  let changes = 0;
  let saved = 0;
  let saving: Promise<void> = Promise.resolve();

  function put(entry: Entry): void {
    byKey.set(entry.key, entry);
    for (const id of [entry.id, ...entry.aliases]) byId.set(id, entry);
    sorted = undefined;
    changes++;
  }

  function identified(id: string, known: Entry | undefined): { id: string; aliases: readonly string[] } {
    const holder = byId.get(id);
    if (holder !== undefined && holder !== known) {
      throw new GyreError("Conflict", `the id ${id} belongs to ${holder.source}`, {
        subject: id,
        source: holder.source,
      });
    }
    if (known === undefined) return { id, aliases: [] };
    const aliases = [...known.aliases, known.id].filter((alias) => alias !== id);
    return { id, aliases: [...new Set(aliases)] };
  }

  const text = await store?.files.read(store.url);
  const lines = text === undefined ? [] : Buffer.from(text).toString("utf8").split("\n");
  lines.forEach((line, i) => {
    if (line === "") return;
    const entry = parseLine(line);
    if (entry === undefined) report(`line ${i + 1} of the registry is damaged and left out`);
    else if (byId.has(entry.id) || byKey.has(entry.key)) report(`line ${i + 1} of the registry repeats ${entry.id}`);
    else put(entry);
  });
  saved = changes;

  return {
    get changes() {
      return changes;
    },
    get: (id) => byId.get(id),
    byKey: (key) => byKey.get(key),
    entries: () => byKey.values(),
    ids() {
      sorted ??= [...byKey.values()]
        .filter((e) => e.missing === undefined)
        .map((e) => e.id)
        .sort();
      return sorted;
    },
    add({ path, id, ...registration }) {
      const known = byKey.get(registration.key);
      const naming =
        id !== undefined
          ? identified(id, known)
          : (known ?? { id: newId(path, suffixes, (taken) => byId.has(taken)), aliases: [] });
      const entry: Entry = { ...registration, id: naming.id, aliases: naming.aliases };
      if (known !== undefined && JSON.stringify(known) === JSON.stringify(entry)) return known;
      put(entry);
      return entry;
    },
    update: put,
    save() {
      saving = saving
        .catch(() => undefined)
        .then(async () => {
          if (saved === changes || store === undefined) return;
          const writing = changes;
          const body = [...byKey.values()].map((entry) => JSON.stringify({ v: 1, ...entry } satisfies Line)).join("\n");
          await store.files.write?.(store.url, Buffer.from(`${body}\n`), { contentType: "application/jsonl" });
          saved = writing;
        });
      return saving;
    },
  };
}

function parseLine(line: string): Entry | undefined {
  try {
    const { v, ...entry } = JSON.parse(line) as Line;
    const isEntry = v === 1 && [entry.id, entry.key, entry.source].every((s) => typeof s === "string");
    return isEntry && Array.isArray(entry.aliases) ? entry : undefined;
  } catch {
    return undefined;
  }
}
