import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ProcessorDeps } from "../../../../../src/flows/processors/create-processors.ts";
import type { Processor } from "../../../../../src/flows/processors/processor.ts";

/** Waits in the middle of its work until a test lets it go on, by the gate whose address lies beside the node's settings. */
export default function held({ folder }: ProcessorDeps): Processor {
  return {
    metadata: {
      ...{ dataset: "held", version: "version_1", description: "Held by a test", author: "Gyre", title: "Held" },
      ...{ titleLong: "Held by a test", summary: "Held by a test", citation: "", formats: ["CSV"] },
      license: { name: "CC0-1.0", path: "https://creativecommons.org/publicdomain/zero/1.0/", title: "CC0 1.0" },
      originUrl: "https://example.org/",
    },
    sourceDigest: async () => "version:1",
    estimate: async () => ({ writeBytes: 4 }),
    async generate({ folder: scratch, fileName }, context) {
      const name = fileName("csv");
      await writeFile(join(scratch, name), "half");
      context.progress({ percent: 50, text: "Held" });
      const gate = await readFile(join(folder, "gate"), "utf8");
      await (await fetch(`${gate}?pid=${process.pid}`, { signal: context.signal })).text();
      await writeFile(join(scratch, name), "whole\n");
      return { files: [{ name, format: "CSV", mediaType: "text/csv" }], isEmpty: false, notes: ["Written"] };
    },
  };
}
