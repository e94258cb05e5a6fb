import type { Call } from "../../core/principal.ts";
import type { Boundary } from "../boundaries/boundary.ts";
import type { Estimate } from "../flow.ts";
import { type Processor, processorName } from "../processors/processor.ts";

/** What several processors will take together; what one of them does not know makes the sum a lower bound, which is noted. */
export async function estimateOf(processors: readonly Processor[], boundary: Boundary, call: Call): Promise<Estimate> {
  const all = await Promise.all(
    processors.map(async (processor) => ({
      name: processorName(processor.metadata),
      estimate: await processor.estimate(boundary, call),
    })),
  );
  const notes = all.flatMap(({ name, estimate }) => (estimate.notes ?? []).map((note) => `${name}: ${note}`));
  const sum = (of: "readBytes" | "writeBytes" | "seconds"): { [key: string]: number } => {
    const known = all.flatMap(({ estimate }) => estimate[of] ?? []);
    if (known.length === 0) return {};
    if (known.length < all.length) notes.push(`${of}: at least; ${all.length - known.length} processors cannot tell`);
    return { [of]: known.reduce((total, one) => total + one, 0) };
  };
  const sums = { ...sum("readBytes"), ...sum("writeBytes"), ...sum("seconds") };
  return { ...sums, ...(notes.length === 0 ? {} : { notes }) };
}
