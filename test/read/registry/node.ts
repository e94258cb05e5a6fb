import { createCodecRegistry } from "../../../src/codecs/registry.ts";
import type { Opened } from "../../../src/core/access.ts";
import type { Dataset } from "../../../src/core/array.ts";
import { ANONYMOUS } from "../../../src/core/principal.ts";
import { badSource } from "../../../src/errors.ts";
import type { Files } from "../../../src/files/files.ts";
import { createMemoryFiles } from "../../../src/files/memory.ts";
import type { Format } from "../../../src/formats/format.ts";
import { createFormatRegistry } from "../../../src/formats/registry.ts";
import { sourceVersion } from "../../../src/formats/version.ts";
import { createDatasetIndex } from "../../../src/read/index.ts";
import { type Clock, createRegistry, type Registry } from "../../../src/read/registry.ts";
import { createScanner, type Scanner } from "../../../src/read/scan.ts";
import { read } from "../cube/memory.ts";

export const CALL = { who: ANONYMOUS };
export const ARCHIVE = new URL("memory:///archive/");
const DATA = new URL("memory:///data/");

/** A format of one line of text: `TEST title`, or `TEST!` for a file that says what it is and then breaks. */
const text: Format = {
  name: "text",
  summary: "one line of text",
  suffixes: [".nc", ".zarr", ".tst"],
  sniff: ({ head, entries }) => entries?.has(".zgroup") || Buffer.from(head.subarray(0, 4)).toString() === "TEST",
  async open(url, { files }) {
    const file = url.pathname.endsWith("/") ? new URL(".zgroup", url) : url;
    const info = (await files.head(file))!;
    const title = Buffer.from((await files.read(file))!).toString();
    if (title.startsWith("TEST!")) throw badSource(url, 4, "the header is cut off");
    return datasetOf(title.slice(5), sourceVersion(url, info));
  },
};

function datasetOf(title: string, version: string): Dataset {
  const spec = {
    dtype: "int8",
    dims: ["time"],
    shape: [2],
    chunks: [2],
    codecs: [{ name: "bytes" }],
    fill: null,
    attrs: new Map(),
  } as const;
  const variable = (name: string, values: Uint8Array) =>
    [name, { name, spec, locate: async () => ({ inline: values }) }] as const;
  const first = Number(title) || 0;
  return {
    format: "text",
    version,
    attrs: new Map([["title", { dtype: "string", value: title }]]),
    dimensions: new Map([["time", { size: 2, unlimited: true }]]),
    groups: new Map(),
    variables: new Map([
      variable("time", Uint8Array.of(first, first + 1)),
      variable("tas", Uint8Array.of(first * 10, first * 10 + 1)),
    ]),
  };
}

export interface TestNode {
  readonly registry: Registry;
  readonly scanner: Scanner;
  ids(): Promise<string[]>;
  title(id: string): Promise<unknown>;
}

/** A clock that stands until it is set. */
export function manualClock(): Clock & { advance(ms: number): void } {
  let now = Date.UTC(2026, 0, 1);
  let timers: { at: number; work: () => void }[] = [];
  return {
    now: () => now,
    after(ms, work) {
      const timer = { at: now + ms, work };
      timers.push(timer);
      return () => {
        timers = timers.filter((t) => t !== timer);
      };
    },
    advance(ms) {
      now += ms;
      const due = timers.filter((t) => t.at <= now);
      timers = timers.filter((t) => t.at > now);
      for (const { work } of due) work();
    },
  };
}

export async function startNode(files: Files, clock: Clock = manualClock()): Promise<TestNode> {
  const formats = createFormatRegistry([text], files, createCodecRegistry());
  const index = createDatasetIndex(files, DATA);
  const store = new URL("registry.jsonl", DATA);
  const itemIdOf = async ({ dataset }: Opened): Promise<string> => `item of ${dataset.attrs.get("title")?.value}`;
  const registry = await createRegistry({ files, formats, index, read, store, clock, itemIdOf });
  return {
    registry,
    scanner: createScanner({ files, formats, registry }),
    ids: () => Array.fromAsync(registry.list(CALL)),
    title: async (id) => (await registry.open(id, CALL))?.dataset.attrs.get("title")?.value,
  };
}

export async function write(files: Files, path: string, content: string): Promise<void> {
  await files.write!(new URL(path, ARCHIVE), Buffer.from(content));
}

export async function archive(contents: Readonly<Record<string, string>>): Promise<Files> {
  const files = createMemoryFiles();
  for (const [path, content] of Object.entries(contents)) await write(files, path, content);
  return files;
}
