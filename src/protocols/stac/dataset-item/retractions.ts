import type { Access, Opened } from "../../../core/access.ts";
import type { Dataset } from "../../../core/array.ts";
import type { Call } from "../../../core/principal.ts";
import { GyreError } from "../../../errors.ts";
import { itemIdOf } from "./dataset-item.ts";

/** Which items are retracted, as far as the catalogue of this node knows. */
export interface Retractions {
  /** What was found out holds for as long as this stays the same; undefined: nothing can be asked now. */
  state(): unknown;
  /** Those of some ids under which there are items, every one of them retracted. */
  among(ids: readonly string[]): Promise<ReadonlySet<string>>;
}

const MOST_KNOWN = 100_000;
/** Datasets of a list that are asked about at once. */
const GROUP = 1000;

/**
 * Datasets whose item is retracted are gone, and no list names them. Each is asked about once between two events; while
 * nothing can be asked what is known stays, and what is not known is served.
 */
export function withRetractions(access: Access, retractions: Retractions): Access {
  const ids = new WeakMap<Dataset, Promise<string>>();
  /** Of datasets that were opened, where the rest of the node does not know them. */
  const learned = new Map<string, string>();
  /** By the id of the item: those of its group that are retracted. */
  let known = new Map<string, Promise<ReadonlySet<string>>>();
  /** Those that were asked about and are not retracted. */
  let served = new WeakSet<Dataset>();
  let knownAt: unknown;

  /** Forgets what an event may have changed; answers whether anything can be asked. */
  function renewed(): boolean {
    const state = retractions.state();
    if (state === undefined) return false;
    if (state !== knownAt || known.size >= MOST_KNOWN) {
      known = new Map();
      served = new WeakSet();
      knownAt = state;
    }
    return true;
  }

  /** Whether items are retracted, one after the other; undefined where that is not known. */
  async function answersFor(items: readonly string[]): Promise<(boolean | undefined)[]> {
    const canAsk = renewed();
    const of = known;
    const unknown = canAsk ? items.filter((item) => !of.has(item)) : [];
    if (unknown.length > 0) {
      // Nobody's signal: others wait for the same answer.
      const asked = retractions.among(unknown);
      for (const item of unknown) of.set(item, asked);
      asked.catch(() => {
        for (const item of unknown) of.delete(item);
      });
    }
    // Data is served also while the catalogue is away.
    return Promise.all(items.map(async (item) => (await of.get(item)?.catch(() => undefined))?.has(item)));
  }

  /** The id of a dataset's item, as far as it is known. */
  function itemOf(id: string, call: Call): string {
    return learned.get(id) ?? access.item?.(id, call) ?? id;
  }

  async function isRetracted(opened: Opened, call: Call): Promise<boolean> {
    const { id, dataset } = opened;
    const naming = ids.get(dataset) ?? itemIdOf(opened);
    ids.set(dataset, naming);
    naming.catch(() => ids.delete(dataset));
    const item = await naming;
    if (item !== itemOf(id, call)) learned.set(id, item);
    renewed();
    const of = served;
    const [answer] = await answersFor([item]);
    if (answer === false) of.add(dataset);
    return answer === true;
  }

  return {
    ...access,
    async *list(call, options) {
      for await (const group of groupsOf(access.list(call, options))) {
        const answers = await answersFor(group.map((id) => itemOf(id, call)));
        yield* group.filter((_, i) => answers[i] !== true);
      }
    },
    async open(id, call) {
      const opened = await access.open(id, call);
      if (opened === undefined || !(await isRetracted(opened, call))) return opened;
      throw new GyreError("Gone", `${opened.id} is retracted`, { subject: opened.id });
    },
    current(id, call) {
      const opened = access.current?.(id, call);
      renewed();
      return opened !== undefined && served.has(opened.dataset) ? opened : undefined;
    },
  };
}

async function* groupsOf(ids: AsyncIterable<string>): AsyncGenerator<readonly string[]> {
  let group: string[] = [];
  for await (const id of ids) {
    if (group.push(id) < GROUP) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
