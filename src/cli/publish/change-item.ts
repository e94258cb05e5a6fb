import type { CommandIo } from "../command.ts";
import { createPublisher } from "../publisher.ts";
import { isPending, WAITING } from "./event-reply.ts";
import { itemPath } from "./node-client.ts";

export interface ItemChange {
  readonly collection: string;
  readonly item: string;
  readonly node: URL;
  readonly method: "PUT" | "PATCH" | "DELETE";
  readonly body?: object;
  readonly type?: string;
  /** An entity tag with or without its quotes. */
  readonly ifMatch?: string;
  readonly json: boolean;
}

/** Sends one change of an item and says what became of it. Throws when it is refused. */
export async function changeItem(change: ItemChange, io: CommandIo): Promise<void> {
  const { collection, item, node, method, body, type, ifMatch, json } = change;
  const tag: Readonly<Record<string, string>> =
    ifMatch === undefined ? {} : { "If-Match": `"${ifMatch.replace(/^"|"$/g, "")}"` };
  const publisher = createPublisher(node, io.signal);
  const answer = await publisher.send(method, itemPath(collection, item), body, type, { ...WAITING, ...tag });
  const result = isPending(answer) ? "accepted" : "applied";
  if (json)
    io.out(JSON.stringify({ collection, id: item, result, ...(isPending(answer) ? { event: answer.event_id } : {}) }));
  else io.out(`${collection}/${item}: ${result} at ${node.host}`);
}
