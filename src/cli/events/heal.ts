import { parseArgs } from "node:util";
import type { Difference } from "../../catalog/compare/differences.ts";
import { type Healed, MOST_SUSPECTS } from "../../catalog/compare/healing.ts";
import { type Verdict, verdictOf } from "../../catalog/compare/verdict.ts";
import { OWN_LINKS } from "../../catalog/own-links.ts";
import type { StacCollection, StacItem } from "../../core/stac.ts";
import { isGyreError } from "../../errors.ts";
import type { CommandIo } from "../command.ts";
import { differencesOf, nameOf, PAIR_OPTIONS } from "./compare.ts";
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
 * `gyre events heal`: makes the items and collections of a node what its log says, and publishes there what another node
 * has newer. Left alone is what is newer, deleted or retracted here; `verdictOf` has the rules.
 */
export async function heal(argv: readonly string[], io: CommandIo): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { ...PAIR_OPTIONS, "dry-run": { type: "boolean", default: false } },
  });
  const counts = new Map<Done, number>();
  const tell = (difference: Difference, done: Done, reason = ""): void => {
    counts.set(done, (counts.get(done) ?? 0) + 1);
    const { collection, id } = difference;
    if (values.json) io.out(JSON.stringify({ collection, id, done, ...(reason === "" ? {} : { reason }) }));
    else io.out(`${nameOf(difference)}: ${SAID[done]}${reason === "" ? "" : `: ${reason}`}`);
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

/** Differences of one collection, as many as one request takes; what its document is comes first. */
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
  const theirs = ({ there }: Difference): object => (there === undefined ? {} : { theirs: there.etag });
  const itself = group.find(({ id }) => id === undefined);
  const items = group.filter((difference) => difference !== itself);
  type Answered = Omit<Healed, "time"> & { readonly time?: string };
  type Answer = { readonly document?: Answered; readonly items: readonly Answered[] };
  const healed = await askJson<Answer>(here, `${at}/heal`, signal, {
    ...(itself && { document: theirs(itself) }),
    items: items.map((difference) => ({ id: difference.id, ...theirs(difference) })),
    dryRun: isDryRun,
  });
  // The collection first, since its items belong to it.
  if (itself !== undefined) await conclude(itself, healed.document!);
  for (const [i, difference] of items.entries()) await conclude(difference, healed.items[i]!);

  async function conclude(difference: Difference, { time, ...rest }: Answered): Promise<void> {
    const own: Healed = { ...rest, ...(time === undefined ? {} : { time: new Date(time) }) };
    const verdict = verdictOf(difference, own);
    if (verdict !== "publish") return tell(difference, verdict);
    const reason = isDryRun ? "" : await publish(difference, own);
    tell(difference, reason === "" ? "published" : "failed", reason);
  }

  /** Answers why it could not be. Whoever writes meanwhile wins: the conditions are those that were compared. */
  async function publish({ id, there: leaf }: Difference, own: Healed): Promise<string> {
    const [all, one] =
      id === undefined ? ["stac/collections", at] : [`${at}/items`, `${at}/items/${encodeURIComponent(id)}`];
    const headers = { "Content-Type": "application/json", "User-Agent": "gyre" };
    try {
      const found = await ask(there, one, signal, { headers: { "If-Match": `"${leaf?.etag}"` } });
      const document = (await found.json()) as StacItem | StacCollection;
      const links = document.links.filter(({ rel }) => !OWN_LINKS.has(rel));
      const body = JSON.stringify({ ...document, links });
      if (own.etag === null) await ask(here, all, signal, { method: "POST", headers, body });
      else {
        await ask(here, one, signal, { method: "PUT", headers: { ...headers, "If-Match": `"${own.etag}"` }, body });
      }
      return "";
    } catch (error) {
      if (!isGyreError(error, "Conflict")) throw error;
      return error.message;
    }
  }
}
