import type { CommandIo } from "../command.ts";
import { createPublisher } from "../publisher.ts";
import { repliesOf, saidOf, WAITING } from "./event-reply.ts";
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

/** Sends one change of an item and says what became of it; the exit code. */
export async function changeItem(change: ItemChange, io: CommandIo): Promise<number> {
  const { collection, item, node, method, body, type, ifMatch, json } = change;
  const tag: Readonly<Record<string, string>> =
    ifMatch === undefined ? {} : { "If-Match": `"${ifMatch.replace(/^"|"$/g, "")}"` };
  const publisher = createPublisher(node, io.signal);
  const answer = await publisher.send(method, itemPath(collection, item), body, type, { ...WAITING, ...tag });
  const [reply] = repliesOf(answer);
  if (json) io.out(JSON.stringify(answer));
  else io.out(`${collection}/${item}: ${reply === undefined ? "accepted" : saidOf(reply)} at ${node.host}`);
  for (const { pointer, detail } of reply?.warnings ?? []) io.err(`  ${pointer || "/"}: ${detail}`);
  return reply?.status === "failed" ? 1 : 0;
}
