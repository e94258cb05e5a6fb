import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ANONYMOUS, type Call } from "../../../src/core/principal.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import { adHocBoundary } from "../../../src/flows/boundaries/ad-hoc.ts";
import type { Boundaries, Boundary } from "../../../src/flows/boundaries/boundary.ts";
import { type Engine, startEngine } from "../../../src/flows/engine/engine.ts";
import type { StepContext } from "../../../src/flows/flow.ts";
import { createPackageFlows, type PackageFlows } from "../../../src/flows/jobs/package-flow.ts";
import { createPackageStore } from "../../../src/flows/packages/create-package-store.ts";
import type { PackageStore } from "../../../src/flows/packages/package-store.ts";
import {
  type Generated,
  type Processor,
  type ProcessorJob,
  type Processors,
  processorName,
} from "../../../src/flows/processors/processor.ts";
import { testDatabase, testServer } from "../../services/postgres.ts";

export const CALL: Call = { who: ANONYMOUS };

/** Boundaries of a list, as far as flows ask for them. */
export async function boundariesOf(names: readonly string[]): Promise<Boundaries> {
  const found = new Map<string, Boundary>();
  for (const [i, name] of names.entries()) {
    const [west, east] = [i, i + 0.5];
    const ring = [
      [west, 0],
      [east, 0],
      [east, 5],
      [west, 5],
      [west, 0],
    ];
    const { boundary } = await adHocBoundary({ type: "Polygon", coordinates: [ring] }, { name });
    found.set(name, boundary);
  }
  const list = async () => [...found.values()];
  return { list, byText: list, byPoint: list, get: async (name) => found.get(name) };
}

/** A processor whose work is told by a test. */
export interface TestProcessor extends Processor {
  /** How often it was asked to generate. */
  generated: number;
  /** State of its source. */
  source: string;
  /** Before it writes its file. */
  work(job: ProcessorJob, context: StepContext): Promise<void>;
}

export function testProcessor(dataset: string, queue?: string): TestProcessor {
  const license = { name: "CC0-1.0", path: "https://creativecommons.org/publicdomain/zero/1.0/", title: "CC0" };
  const processor: TestProcessor = {
    metadata: {
      ...{ dataset, version: "version_1", description: "For tests", author: "Nobody", title: dataset },
      ...{
        titleLong: dataset,
        summary: "",
        citation: "",
        license,
        originUrl: "https://example.org/",
        formats: ["CSV"],
      },
    },
    ...(queue === undefined ? {} : { queue }),
    options: { cut: dataset },
    generated: 0,
    source: "1",
    sourceDigest: async () => `version:${processor.source}`,
    estimate: async () => ({ readBytes: 10, writeBytes: 5, seconds: 1 }),
    work: async () => undefined,
    async generate(job: ProcessorJob, context: StepContext): Promise<Generated> {
      processor.generated++;
      await processor.work(job, context);
      const name = job.fileName("csv");
      await writeFile(join(job.folder, name), `a,b\n1,${processor.source}\n`);
      return { files: [{ name, format: "CSV", mediaType: "text/csv" }], isEmpty: false, notes: ["written"] };
    },
  };
  return processor;
}

export function processorsOf(list: readonly Processor[]): Processors {
  const byName = new Map(list.map((one) => [processorName(one.metadata), one]));
  return { list: () => list, get: (name) => byName.get(name) };
}

/** What all tests of a process work on: one engine of a process can execute flows at a time. */
export interface Setting {
  readonly engine: Engine;
  readonly flows: PackageFlows;
  readonly boundaries: Boundaries;
  readonly processors: Processors;
  readonly store: PackageStore;
  close(): Promise<void>;
}

export interface SettingOptions {
  readonly processors: readonly Processor[];
  readonly boundaries: readonly string[];
}

/** An engine that works on package flows, over a database and a store of its own. */
export async function startSetting({ processors: list, boundaries: names }: SettingOptions): Promise<Setting> {
  const endings: (() => Promise<unknown>)[] = [];
  const pool = await testDatabase({ after: (work) => endings.unshift(work) }, { max: 10 });
  const [boundaries, processors] = [await boundariesOf(names), processorsOf(list)];
  const publicUrl = new URL("http://127.0.0.1/packages/");
  const store = createPackageStore({ files: createMemoryFiles(), root: new URL("memory://packages/"), publicUrl });
  const flows = createPackageFlows({
    ...{ boundaries, processors, store },
    runs: () => engine.runs,
    retry: { tries: 2, waitMs: 10 },
  });
  const scratch = await mkdtemp(join(tmpdir(), "gyre-scratch-"));
  const engine: Engine = await startEngine({
    ...{ pool, server: await testServer(), scratch, concurrency: 8, listen: "all", retentionDays: 1 },
    flows: [flows.package, flows.packages, flows.redescribe],
    queues: flows.queues,
    onError(error) {
      throw error;
    },
  });
  const close = async (): Promise<void> => {
    await engine.close();
    await rm(scratch, { recursive: true });
    for (const ending of endings) await ending();
  };
  return { engine, flows, boundaries, processors, store, close };
}
