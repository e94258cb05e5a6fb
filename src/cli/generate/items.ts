import { setTimeout as delay } from "node:timers/promises";
import { type Project, syntheticItems } from "../../catalog/synthetic/items.ts";
import type { StacItem } from "../../core/stac.ts";
import type { CommandIo } from "../command.ts";
import { createPublisher } from "../publisher.ts";

export interface ItemsRequest {
  readonly count: number;
  readonly seed: number;
  readonly project: Project | undefined;
  /** Where to publish; the items are only printed without it. */
  readonly node: URL | undefined;
  /** Wait up to a second before each, as the founding generator does. */
  readonly isSlow: boolean;
  readonly json: boolean;
}

const MOST_DELAY_MS = 1000;

/** Prints synthetic records, or publishes them. Answers how many were accepted. */
export async function generateItems(request: ItemsRequest, io: CommandIo): Promise<number> {
  const { count, seed, project, node, isSlow, json } = request;
  const items = syntheticItems(count, seed, project);
  if (node === undefined) {
    for (const item of items) {
      io.signal.throwIfAborted();
      if (isSlow) await delay(Math.random() * MOST_DELAY_MS, undefined, { signal: io.signal });
      io.out(JSON.stringify(item, null, json ? undefined : 2));
    }
    return count;
  }
  const publisher = createPublisher(node, io.signal);
  const started = performance.now();
  let accepted = 0;
  const said = (): string => {
    const seconds = (performance.now() - started) / 1000;
    return `${accepted} of ${count} accepted at ${node.host}, ${Math.round(accepted / seconds)}/s`;
  };
  for await (const items of isSlow ? singly(request) : publisher.batches(syntheticItems(count, seed, project))) {
    accepted += await publisher.publish(items);
    if (json) for (const { collection, id } of items) io.out(JSON.stringify({ collection, id }));
    else if (io.tty) io.err(said());
  }
  if (!json) io.out(said());
  return accepted;

  async function* singly({ count, seed, project }: ItemsRequest): AsyncGenerator<readonly StacItem[]> {
    for (const item of syntheticItems(count, seed, project)) {
      await delay(Math.random() * MOST_DELAY_MS, undefined, { signal: io.signal });
      yield [item];
    }
  }
}
