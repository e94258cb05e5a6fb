import type { StacItem } from "../../core/stac.ts";
import type { CommandIo } from "../command.ts";
import { createPublisher } from "../publisher.ts";
import { itemFaults } from "./item-faults.ts";
import { createNodeClient } from "./node-client.ts";
import { type Outcome, sendItems } from "./send-items.ts";
import { itemsOf, type SourceItem, type SourceOptions } from "./source-items.ts";

export interface PublishRequest extends Omit<SourceOptions, "node"> {
  readonly sources: readonly string[];
  /** Where to publish. */
  readonly at: URL;
  /** Print the items instead. */
  readonly isDry: boolean;
  /** Replace items that differ. */
  readonly isUpdate: boolean;
  readonly json: boolean;
}

/** Files and folders at the node that serves them, with nothing but what is usual. */
export function publishRequest(sources: readonly string[], at: URL, json: boolean): PublishRequest {
  return {
    sources,
    at,
    servedAt: at,
    flags: {},
    collection: "datasets",
    isFromNode: false,
    hasChecksums: false,
    isUpdate: false,
    isDry: false,
    json,
  };
}

/** Publishes what sources hold, or prints it; the exit code: 1 when an item was refused or is another there. */
export async function publishSources(request: PublishRequest, io: CommandIo): Promise<number> {
  const { sources, at, isDry, isUpdate, json } = request;
  const node = createNodeClient(at, io.signal);
  const publisher = createPublisher(at, io.signal);
  const counts = new Map<Outcome["result"], number>();
  const from = new Map<string, string>();
  const seen = new Set<string>();
  let items: StacItem[] = [];
  for await (const source of itemsOf(sources, { ...request, node }, io)) {
    if ("reason" in source) {
      counts.set("failed", (counts.get("failed") ?? 0) + 1);
      io.err(`${source.from}: ${source.reason}`);
      continue;
    }
    tellWarnings(source, io);
    const name = `${source.item.collection}/${source.item.id}`;
    const other = from.get(name);
    if (other !== undefined) {
      const reason = `${other} and ${source.from} are of one dataset: publish the folder that makes it one`;
      told({ collection: source.item.collection ?? "", id: source.item.id, result: "failed", reason });
      continue;
    }
    from.set(name, source.from);
    if (isDry) {
      for (const { pointer, detail } of await itemFaults(source.item)) io.err(`  ${pointer || "/"}: ${detail}`);
      io.out(JSON.stringify(source.item, null, json ? undefined : 2));
      continue;
    }
    await checkServed(source);
    items.push(source.item);
    if (items.length >= GATHERED) await flush();
  }
  await flush();
  if (!isDry && !json) io.out(summary(counts, at));
  return (counts.get("failed") ?? 0) + (counts.get("different") ?? 0) > 0 ? 1 : 0;

  async function flush(): Promise<void> {
    for (const batch of publisher.batches(items)) {
      for await (const outcome of sendItems(batch, { node, publisher, isUpdate })) told(outcome);
    }
    items = [];
  }

  function told(outcome: Outcome): void {
    const { collection, id, result, reason, warnings = [] } = outcome;
    counts.set(result, (counts.get(result) ?? 0) + 1);
    if (json) io.out(JSON.stringify(outcome));
    else io.out(`${result.padEnd(10)} ${collection}/${id}`);
    if (reason !== undefined) io.err(`  ${reason}`);
    if (result === "different") io.err("  --update replaces it");
    for (const { pointer, detail } of warnings) {
      const warning = `  ${pointer || "/"}: ${detail}`;
      // A folder of one model's files has the same faults a thousand times.
      if (!seen.has(warning)) io.err(warning);
      seen.add(warning);
    }
  }

  /** Assets are addresses of the node that is to serve the dataset; whether it does is seen there. */
  async function checkServed({ dataset }: SourceItem): Promise<void> {
    if (dataset === undefined) return;
    const server = createNodeClient(request.servedAt, io.signal);
    if (await server.serves(dataset).catch(() => false)) return;
    io.err(
      `${request.servedAt.href} does not serve ${dataset}: its assets open when it serves the same source (--from-node: what it serves)`,
    );
  }
}

/** Items that are gathered before they are sent, so that those of one collection go together. */
const GATHERED = 500;

function tellWarnings({ from, warnings }: SourceItem, io: CommandIo): void {
  for (const warning of warnings) io.err(`${from}: ${warning}`);
}

function summary(counts: ReadonlyMap<string, number>, at: URL): string {
  const parts = [...counts].map(([result, count]) => `${count} ${result}`);
  return `${parts.length === 0 ? "nothing" : parts.join(", ")} at ${at.host}`;
}
