import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { type ProcessorsInput, processors as schema } from "../../../src/config/processors.ts";
import type { Access } from "../../../src/core/access.ts";
import { ANONYMOUS, type Call } from "../../../src/core/principal.ts";
import { createEngine } from "../../../src/engine.ts";
import type { Boundary } from "../../../src/flows/boundaries/boundary.ts";
import type { Entity, Progress, StepContext } from "../../../src/flows/flow.ts";
import { createProcessors, type LoadedProcessors } from "../../../src/flows/processors/create-processors.ts";
import type { Generated, Processor } from "../../../src/flows/processors/processor.ts";
import { type StaticServer, startStaticServer } from "../../files/static-server.ts";

export const CALL: Call = { who: ANONYMOUS };

/** A square of degrees. */
export function square(west: number, south: number, east: number, north: number): Boundary {
  const ring = [
    ...[
      [west, south],
      [east, south],
      [east, north],
    ],
    ...[
      [west, north],
      [west, south],
    ],
  ];
  return {
    ...{ name: "square", nameLong: "A square", adminLevel: 0, digest: "sha256:square" },
    geometry: { type: "MultiPolygon", coordinates: [[ring as [number, number][]]] },
    bbox: [west, south, east, north],
  };
}

/** What a processor did. */
export interface Ran {
  readonly generated: Generated;
  readonly folder: string;
  readonly progress: readonly Progress[];
  readonly used: readonly Entity[];
}

export interface Harness {
  readonly server: StaticServer;
  readonly folder: string;
  processors(
    config: ProcessorsInput,
    more?: { readonly includeTest?: boolean; readonly access?: Access; readonly allow?: readonly URL[] },
  ): Promise<LoadedProcessors>;
  run(processor: Processor, boundary: Boundary): Promise<Ran>;
}

/** Processors as a node has them, with a server for their sources. */
export async function setUp(t: TestContext): Promise<Harness> {
  const server = await startStaticServer();
  const folder = await mkdtemp(join(tmpdir(), "gyre-processors-"));
  const own = pathToFileURL(`${folder}/`);
  const engine = createEngine({ allow: [], own: [own] });
  t.after(async () => {
    await engine.close();
    await server.close();
    await rm(folder, { recursive: true });
  });
  const none: Pick<Access, "open"> = { open: async () => undefined };
  return {
    server,
    folder,
    processors: (config, { includeTest = false, access = none as Access, allow = [] } = {}) =>
      createProcessors({
        config: schema.parse(config),
        ...{ folder, includeTest, access, files: engine.files, root: new URL("sources/", own), scratch: folder },
        ...{ allow, reader: engine, open: (url, call) => engine.formats.open(url, call) },
      }),
    async run(processor, boundary) {
      const scratch = await mkdtemp(join(folder, "try-"));
      const progress: Progress[] = [];
      const used: Entity[] = [];
      const context: StepContext = {
        ...{ signal: new AbortController().signal, id: "try", attempt: 1, who: ANONYMOUS },
        scratch: async () => scratch,
        progress: (state) => void progress.push(state),
        log: () => undefined,
        used: (entity) => void used.push(entity),
        generated: () => undefined,
      };
      const out = join(scratch, "out");
      await mkdir(out);
      const { dataset, version } = processor.metadata;
      const fileName = (extension: string, sub?: string): string =>
        `${[dataset, version, ...(sub === undefined ? [] : [sub]), boundary.name].join("-")}.${extension}`;
      const generated = await processor.generate({ boundary, folder: out, fileName }, context);
      return { generated, folder: out, progress, used };
    },
  };
}
