import type { Catalog } from "../../../catalog/catalog.ts";
import type { Access, Opened } from "../../../core/access.ts";
import type { Dataset } from "../../../core/array.ts";
import type { Call } from "../../../core/principal.ts";
import { GyreError } from "../../../errors.ts";
import { itemIdOf } from "./dataset-item.ts";

/** Which items are retracted, as far as the catalogue of this node knows. */
export interface Retractions {
  /** What was found out holds for as long as this stays the same; undefined: nothing can be asked now. */
  state(): unknown;
  /** Whether there is an item of this id, and every one of them is retracted. */
  isRetracted(id: string, call: Call): Promise<boolean>;
}

/** `state` counts the events that the catalogue has applied. */
export function catalogRetractions(catalog: Catalog, state: () => unknown): Retractions {
  return {
    state,
    async isRetracted(id, call) {
      const { entries } = await catalog.search({ ids: [id], limit: 10, isCounted: false }, call);
      return entries.length > 0 && entries.every(({ document }) => document.properties.retracted === true);
    },
  };
}

const MOST_KNOWN = 10_000;

/**
 * Datasets whose item is retracted are gone. Each is asked about once between two events; while nothing can be asked
 * what is known stays, and what is not known is served.
 */
export function withRetractions(access: Access, retractions: Retractions): Access {
  const ids = new WeakMap<Dataset, Promise<string>>();
  let known = new Map<string, Promise<boolean>>();
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

  async function isRetracted(opened: Opened, call: Call): Promise<boolean> {
    const { dataset } = opened;
    const naming = ids.get(dataset) ?? itemIdOf(opened);
    ids.set(dataset, naming);
    naming.catch(() => ids.delete(dataset));
    const id = await naming;
    const canAsk = renewed();
    const [before, of] = [known, served];
    // Nobody's signal: others wait for the same answer.
    const answer = before.get(id) ?? (canAsk ? retractions.isRetracted(id, { who: call.who }) : undefined);
    if (answer === undefined) return false;
    before.set(id, answer);
    try {
      const found = await answer;
      if (!found) of.add(dataset);
      return found;
    } catch {
      // Data is served also while the catalogue is away.
      before.delete(id);
      return false;
    }
  }

  return {
    ...access,
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
