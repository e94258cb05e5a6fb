import { digest } from "../../formats/version.ts";
import type { Estimate, StepContext } from "../flow.ts";
import { type Generated, type Processor, processorName } from "./processor.ts";

/** One processor of several that have its name: a dataset version with rasters and lines. The first describes it. */
export function combined(parts: readonly [Processor, ...Processor[]]): Processor {
  const [first] = parts;
  if (parts.length === 1) return first;
  return {
    ...(first.queue !== undefined && { queue: first.queue }),
    metadata: { ...first.metadata, formats: [...new Set(parts.flatMap(({ metadata }) => metadata.formats))] },
    options: parts.map(({ options }) => options ?? null),
    async sourceDigest(call) {
      const digests: string[] = [];
      for (const part of parts) digests.push(await part.sourceDigest(call));
      return `sha256:${digest(digests)}`;
    },
    async estimate(boundary, call) {
      const estimates: Estimate[] = [];
      for (const part of parts) estimates.push(await part.estimate(boundary, call));
      const sum = (of: (one: Estimate) => number | undefined): number | undefined => {
        const known = estimates.map(of).filter((value) => value !== undefined);
        return known.length === 0 ? undefined : known.reduce((total, value) => total + value, 0);
      };
      const [readBytes, writeBytes, seconds] = [
        sum((one) => one.readBytes),
        sum((one) => one.writeBytes),
        sum((one) => one.seconds),
      ];
      return {
        ...(readBytes !== undefined && { readBytes }),
        ...(writeBytes !== undefined && { writeBytes }),
        ...(seconds !== undefined && { seconds }),
        notes: estimates.flatMap(({ notes }) => notes ?? []),
      };
    },
    async generate(job, context) {
      const made: Generated[] = [];
      for (const [i, part] of parts.entries()) {
        const progress: typeof context.progress = ({ percent, ...state }) =>
          context.progress({ ...state, ...(percent !== undefined && { percent: (i * 100 + percent) / parts.length }) });
        made.push(await part.generate(job, withProgress(context, progress)));
      }
      return {
        files: made.flatMap(({ files }) => files),
        isEmpty: made.every(({ isEmpty }) => isEmpty),
        notes: made.flatMap(({ notes }) => notes),
      };
    },
  };
}

/** A context may be of a class: its methods are called on itself. */
function withProgress(context: StepContext, progress: StepContext["progress"]): StepContext {
  const { signal, id, attempt, who } = context;
  return {
    ...{ signal, id, attempt, who, progress },
    scratch: () => context.scratch(),
    log: (message) => context.log(message),
    used: (entity) => context.used(entity),
    generated: (entity) => context.generated(entity),
  };
}

/** Those of one name together, in the order in which the names come first. */
export function byName(processors: readonly Processor[]): Processor[] {
  const groups = Map.groupBy(processors, ({ metadata }) => processorName(metadata));
  return [...groups.values()].map((group) => combined(group as [Processor, ...Processor[]]));
}
