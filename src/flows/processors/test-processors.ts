import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GyreError } from "../../errors.ts";
import type { Processor, ProcessorMetadata } from "./processor.ts";

export interface TestProcessorOptions {
  /** How long it takes, in milliseconds, for those who want to see progress; default: no time. */
  readonly takesMs?: number;
}

const about = (dataset: string, description: string): ProcessorMetadata => ({
  ...{ dataset, version: "version_1", description, author: "Gyre", title: description, titleLong: description },
  ...{ summary: "For tests of the node alone.", citation: "", isTest: true },
  license: {
    name: "CC0-1.0",
    path: "https://creativecommons.org/publicdomain/zero/1.0/",
    title: "Creative Commons Zero v1.0 Universal",
  },
  originUrl: "https://example.org/",
  formats: ["CSV"],
});

/** Writes a small file, with progress. */
export function testProcessor({ takesMs = 0 }: TestProcessorOptions = {}): Processor {
  return {
    metadata: about("test_processor", "A test processor"),
    sourceDigest: async () => "sha256:test",
    estimate: async () => ({ readBytes: 0, writeBytes: 20, seconds: takesMs / 1000 }),
    async generate({ boundary, folder, fileName }, context) {
      for (const percent of [0, 30, 60, 90]) {
        context.progress({ percent, text: "waiting" });
        context.signal.throwIfAborted();
        if (takesMs > 0) await sleep(takesMs / 4, undefined, { signal: context.signal });
      }
      const name = fileName("csv");
      await writeFile(join(folder, name), `boundary\r\n${boundary.name}\r\n`);
      const files = [{ name, format: "CSV", mediaType: "text/csv", title: "The boundary's name" }];
      return { files, isEmpty: false, notes: ["Wrote the boundary's name"] };
    },
  };
}

/** Always fails. */
export function testFailProcessor(): Processor {
  return {
    metadata: about("test_fail_processor", "A test processor that fails"),
    sourceDigest: async () => "sha256:test",
    estimate: async () => ({}),
    async generate(_job, context) {
      context.progress({ percent: 10, text: "about to fail" });
      throw new GyreError("Unsupported", "test-fail-processor failed as expected");
    },
  };
}
