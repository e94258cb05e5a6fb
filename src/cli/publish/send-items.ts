import { isDeepStrictEqual } from "node:util";
import type { StacItem } from "../../core/stac.ts";
import { type Fault, isGyreError } from "../../errors.ts";
import type { Publisher } from "../publisher.ts";
import { repliesOf, WAITING } from "./event-reply.ts";
import { itemPath, type NodeClient } from "./node-client.ts";

/** What became of one item. */
export interface Outcome {
  readonly collection: string;
  readonly id: string;
  readonly result: "published" | "updated" | "unchanged" | "different" | "failed";
  readonly event?: string;
  readonly reason?: string;
  readonly warnings?: readonly Fault[];
}

/**
 * Publishes items of one collection: new ones are added, those that the catalogue has as they are stay, and others are
 * replaced with `isUpdate`. What another publisher adds meanwhile is looked at once more.
 */
export async function* sendItems(
  items: readonly StacItem[],
  { node, publisher, isUpdate }: { node: NodeClient; publisher: Publisher; isUpdate: boolean },
): AsyncGenerator<Outcome> {
  const collection = items[0]?.collection ?? "";
  for (let isAgain = false; ; isAgain = true) {
    const known = await node.items(
      collection,
      items.map(({ id }) => id),
    );
    const added = items.filter(({ id }) => !known.has(id));
    let outcomes: readonly Outcome[];
    try {
      outcomes = await post(added);
    } catch (error) {
      if (!isAgain && isGyreError(error, "Conflict") && error.details.type === "item-already-exists") continue;
      if (!isGyreError(error)) throw error;
      // A refused request adds none of its items: which of them is at fault is found one by one.
      outcomes = await Array.fromAsync(added, (item) => alone(item, error.message, added.length === 1));
    }
    yield* outcomes;
    for (const item of items) {
      const before = known.get(item.id);
      if (before !== undefined) yield await settled(item, before);
    }
    return;
  }

  async function post(added: readonly StacItem[]): Promise<readonly Outcome[]> {
    if (added.length === 0) return [];
    const path = `stac/collections/${encodeURIComponent(collection)}/items`;
    const body = { type: "FeatureCollection", features: added };
    const replies = repliesOf(await publisher.send("POST", path, body, undefined, WAITING));
    return replies.map(({ item, event_id, status, problem, warnings }, i): Outcome => {
      const id = item ?? added[i]!.id;
      if (status === "failed") return { collection, id, result: "failed", reason: problem?.detail ?? event_id };
      return { collection, id, result: "published", event: event_id, ...(warnings === undefined ? {} : { warnings }) };
    });
  }

  async function alone(item: StacItem, reason: string, isOnly: boolean): Promise<Outcome> {
    const failed: Outcome = { collection, id: item.id, result: "failed", reason };
    if (isOnly) return failed;
    try {
      return (await post([item]))[0] ?? failed;
    } catch (error) {
      if (!isGyreError(error)) throw error;
      return { ...failed, reason: error.message };
    }
  }

  async function settled(item: StacItem, before: StacItem): Promise<Outcome> {
    const { id } = item;
    if (isSame(item, before)) return { collection, id, result: "unchanged" };
    if (!isUpdate) {
      const isRetracted = before.properties.retracted === true && item.properties.retracted !== true;
      const reason = isRetracted ? "it is retracted there" : "the catalogue has another of this id";
      return { collection, id, result: "different", reason };
    }
    try {
      await publisher.send("PUT", itemPath(collection, id), item, undefined, WAITING);
      return { collection, id, result: "updated" };
    } catch (error) {
      if (!isGyreError(error)) throw error;
      return { collection, id, result: "failed", reason: error.message };
    }
  }
}

/** Links that a catalogue writes itself. */
const OWN_LINKS = new Set(["self", "root", "parent", "collection"]);

/** Whether a catalogue's item says what another does; the links to itself and nulls of optional fields say nothing. */
export function isSame(item: StacItem, stored: StacItem): boolean {
  return isDeepStrictEqual(comparable(item), comparable(stored));
}

function comparable({ links, properties, stac_extensions = [], ...rest }: StacItem): object {
  const said = Object.entries(properties).filter(([name, value]) => value !== null || name === "datetime");
  return JSON.parse(
    JSON.stringify({
      ...rest,
      stac_extensions: [...stac_extensions].sort(),
      properties: Object.fromEntries(said),
      links: links.filter(({ rel }) => !OWN_LINKS.has(rel)),
    }),
  ) as object;
}
