import { fsyncSync, openSync, writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { syntheticItems } from "../../src/catalog/synthetic/items.ts";

// Publishes items one after the other, several at once, and writes the id of each event that a node accepted into a file
// of its own, synced before the next: what is promised then is known, whatever dies. Runs until it is told to end.
export interface WitnessOrder {
  readonly nodes: readonly string[];
  readonly file: string;
  readonly seed: number;
  readonly writers: number;
}

const order = JSON.parse(process.argv[2] as string) as WitnessOrder;
const file = openSync(order.file, "a");
const items = syntheticItems(1_000_000, order.seed, "CMIP6");
let isEnding = false;
process.on("SIGTERM", () => {
  isEnding = true;
});

await Promise.all(
  Array.from({ length: order.writers }, (_, i) => write(order.nodes[i % order.nodes.length] as string)),
);

async function write(node: string): Promise<void> {
  while (!isEnding) {
    const item = items.next().value;
    if (item === undefined) return;
    const key = crypto.randomUUID();
    // The same write again, until it is answered: nobody knows what became of one that was not.
    for (;;) {
      const event = await attempt(node, key, JSON.stringify(item));
      if (event !== undefined) {
        writeSync(file, `${JSON.stringify({ event, item: item.id })}\n`);
        fsyncSync(file);
        process.stdout.write("accepted\n");
        break;
      }
      await pause(20);
    }
  }
}

/** The id of the event, or undefined when there was no answer; an answer of another kind is a fault. */
async function attempt(node: string, key: string, body: string): Promise<string | undefined> {
  let response: Response;
  try {
    response = await fetch(new URL("stac/collections/CMIP6/items", node), {
      method: "POST",
      body,
      headers: { "Content-Type": "application/json", "Idempotency-Key": key },
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    if (response.status === 503 || response.status === 500) return undefined;
    // 201: this was answered before, to nobody, and is applied by now.
    if (response.status === 202 || response.status === 201) return (JSON.parse(text) as { event_id: string }).event_id;
    process.stderr.write(`witness: ${response.status} ${text}\n`);
    process.exit(1);
  } catch {
    return undefined;
  }
}
