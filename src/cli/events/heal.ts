import { parseArgs } from "node:util";
import type { Difference } from "../../catalog/compare/differences.ts";
import { type Healed, MOST_SUSPECTS } from "../../catalog/compare/healing.ts";
import { type Verdict, verdictOf } from "../../catalog/compare/verdict.ts";
import { OWN_LINKS } from "../../catalog/own-links.ts";
import type { StacItem } from "../../core/stac.ts";
import { isGyreError } from "../../errors.ts";
import type { CommandIo } from "../command.ts";
import { differencesOf, PAIR_OPTIONS } from "./compare.ts";
import { ask, askJson } from "./node.ts";

type Done = Exclude<Verdict, "publish"> | "published" | "failed";

const SAID: Readonly<Record<Done, string>> = {
  repaired: "made again from the log",
  published: "published, since it is newer there",
  newerHere: "left: it is newer here",
  onlyHere: "left: only here",
  deletedHere: "left: it was deleted here",
  retractedHere: "left: it is retracted here",
  failed: "not healed",
};

/**
 * `gyre events heal`: makes the items of a node what its log says, and publishes there what another node has newer. Left
 * alone is what is newer, deleted or retracted here; `verdictOf` has the rules.
 */
export async function heal(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { ...PAIR_OPTIONS, "dry-run": { type: "boolean", default: false } },
  });
  const counts = new Map<Done, number>();
  const tell = ({ collection, id }: Difference, done: Done, reason = ""): void => {
    counts.set(done, (counts.get(done) ?? 0) + 1);
    if (values.json) io.out(JSON.stringify({ collection, id, done, ...(reason === "" ? {} : { reason }) }));
    else io.out(`${collection}/${id}: ${SAID[done]}${reason === "" ? "" : `: ${reason}`}`);
  };
  const pair: Pair = { here: values.node, there: values.with ?? "", isDryRun: values["dry-run"], signal: io.signal };
  for await (const group of groups(differencesOf(values, io))) await healGroup(pair, group, tell);
  if (!values.json) {
    const said = [...counts].map(([done, count]) => `${count} ${SAID[done]}`);
    io.out(said.length === 0 ? "alike" : `${pair.isDryRun ? "would be: " : ""}${said.join("; ")}`);
  }
  return counts.has("failed") ? 1 : 0;
}

interface Pair {
  readonly here: string;
  readonly there: string;
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
}

/** Differences of one collection, as many as one request takes. */
async function* groups(differences: AsyncIterable<Difference>): AsyncGenerator<readonly Difference[]> {
  let group: Difference[] = [];
  for await (const difference of differences) {
    const isFull =
      group.length === MOST_SUSPECTS || (group[0]?.collection ?? difference.collection) !== difference.collection;
    if (isFull) {
      yield group;
      group = [];
    }
    group.push(difference);
  }
  if (group.length > 0) yield group;
}

async function healGroup(
  { here, there, isDryRun, signal }: Pair,
  group: readonly Difference[],
  tell: (difference: Difference, done: Done, reason?: string) => void,
): Promise<void> {
  const at = `stac/collections/${encodeURIComponent(group[0]?.collection ?? "")}`;
  const items = group.map(({ id, there }) => ({ id, ...(there === undefined ? {} : { theirs: there.etag }) }));
  type Answer = { readonly items: readonly (Omit<Healed, "time"> & { readonly time?: string })[] };
  const healed = await askJson<Answer>(here, `${at}/heal`, signal, { items, dryRun: isDryRun });
  for (const [i, difference] of group.entries()) {
    const { time, ...rest } = healed.items[i]!;
    const own: Healed = { ...rest, ...(time === undefined ? {} : { time: new Date(time) }) };
    const verdict = verdictOf(difference, own);
    if (verdict !== "publish") tell(difference, verdict);
    else if (isDryRun) tell(difference, "published");
    else {
      const reason = await publish(`${at}/items`, difference, own);
      tell(difference, reason === "" ? "published" : "failed", reason);
    }
  }

  /** Answers why it could not be. Whoever writes meanwhile wins: the conditions are those that were compared. */
  async function publish(path: string, { id, there: leaf }: Difference, own: Healed): Promise<string> {
    const itemPath = `${path}/${encodeURIComponent(id)}`;
    const headers = { "Content-Type": "application/json", "User-Agent": "gyre" };
    try {
      const found = await ask(there, itemPath, signal, { headers: { "If-Match": `"${leaf?.etag}"` } });
      const item = (await found.json()) as StacItem;
      const body = JSON.stringify({ ...item, links: item.links.filter(({ rel }) => !OWN_LINKS.has(rel)) });
      if (own.etag === null) await ask(here, path, signal, { method: "POST", headers, body });
      else {
        await ask(here, itemPath, signal, {
          method: "PUT",
          headers: { ...headers, "If-Match": `"${own.etag}"` },
          body,
        });
      }
      return "";
    } catch (error) {
      if (!isGyreError(error, "Conflict")) throw error;
      return error.message;
    }
  }
}
