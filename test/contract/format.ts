import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createCodecRegistry } from "../../src/codecs/registry.ts";
import { chunkGrid, type Dataset, product, type Variable } from "../../src/core/array.ts";
import { isGyreError } from "../../src/errors.ts";
import type { Files } from "../../src/files/files.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import { withCounting } from "../../src/files/with-counting.ts";
import type { Format } from "../../src/formats/format.ts";
import { createFormatRegistry } from "../../src/formats/registry.ts";
import { generator, mutated } from "./codec.ts";

/** A small source that somebody else wrote. */
export interface FormatSample {
  readonly name: string;
  /** The file, or the folder (ends in `/`), that is opened. */
  readonly url: URL;
  /** All files that belong to it, by address. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Bytes after the end of the file are none of its business (not so in ZIP archives and texts). Default: yes. */
  readonly hasTail?: boolean;
}

const TAIL = 256 * 1024 * 1024;
const MUTATIONS = 24;
/** What a broken file of a few kilobytes may make a format read: everything, many times over, but no more. */
const MOST_READ = 64 * 1024 * 1024;
const SOME_CHUNKS = 8;

/** What every format owes: recognition by content, ranges only, a consistent model, and only errors on purpose. */
export function testFormat(name: string, format: Format, samples: readonly FormatSample[]): void {
  suite(`format contract: ${name}`, () => {
    const opening = (files: Files) => createFormatRegistry([format], files, createCodecRegistry());

    test("a folder or file of somebody else is not taken for its own, whatever it is called", async () => {
      const other = new TextEncoder().encode("an ordinary text, whose name says something else");
      for (const suffix of ["", ...format.suffixes]) {
        for (const bytes of [new Uint8Array(0), new Uint8Array(2000), other]) {
          const url = new URL(`memory:///file${suffix}`);
          assert.equal(await opening(createMemoryFiles([[url.href, bytes]])).detect(url), undefined, url.href);
        }
        assert.equal(await opening(createMemoryFiles()).detect(new URL(`memory:///folder${suffix}/`)), undefined);
      }
    });

    for (const sample of samples) {
      const { url, hasTail = !url.pathname.endsWith("/") } = sample;
      const open = (files: Files): Promise<Dataset> => opening(files).open(url);

      test(`${sample.name}: is recognised by its content`, async () => {
        const nameless = new URL(url.pathname.endsWith("/") ? "memory:///nameless/" : "memory:///nameless");
        const renamed = [...sample.files].map(
          ([href, bytes]) => [href.replace(url.href, nameless.href), bytes] as const,
        );
        assert.equal(await opening(createMemoryFiles(renamed)).detect(nameless), format);
      });

      test(`${sample.name}: has a consistent model, whose chunks lie where there are bytes`, async () => {
        const files = createMemoryFiles(sample.files);
        const dataset = await open(files);
        assertModel(dataset);
        for (const variable of dataset.variables.values()) await assertChunks(variable, sample.files);
      });

      test(`${sample.name}: its version stays as long as the bytes do`, async () => {
        const files = createMemoryFiles(sample.files);
        const { version } = await open(files);
        assert.match(version, /^\S+$/);
        assert.equal((await open(files)).version, version);
        await touch(files, sample);
        assert.notEqual((await open(files)).version, version);
      });

      if (hasTail) {
        test(`${sample.name}: is opened by ranges`, async () => {
          const files = withCounting(withTail(createMemoryFiles(sample.files), url));
          await open(files);
          const size = sample.files.get(url.href)?.byteLength ?? 0;
          assert.ok(files.counts.bytes < size + 4 * 1024 * 1024, `${files.counts.bytes} bytes were read of ${size}`);
        });
      }

      test(`${sample.name}: cut off anywhere it is refused, or opens as far as it goes`, async () => {
        for (const main of documentsOf(sample)) {
          const bytes = sample.files.get(main) as Uint8Array;
          for (let i = 0; i < MUTATIONS; i++) {
            await assertSurvives(open, sample, main, bytes.subarray(0, Math.floor((bytes.length * i) / MUTATIONS)));
          }
        }
      });

      test(`${sample.name}: with broken bytes it is refused, or its model is consistent all the same`, async () => {
        const random = generator(sample.name.length + 17);
        for (const main of documentsOf(sample)) {
          const bytes = sample.files.get(main) as Uint8Array;
          if (bytes.length === 0) continue;
          for (let i = 0; i < MUTATIONS; i++) await assertSurvives(open, sample, main, mutated(bytes, random));
        }
      });
    }
  });
}

/** The files that describe a source: itself, or the documents in its folder. */
function documentsOf({ url, files }: FormatSample): string[] {
  if (!url.pathname.endsWith("/")) return [url.href];
  return [...files.keys()].filter((href) => /\/(?:\.z\w+|zarr\.json|[^/]+\.(?:json|parq))$/.test(href)).slice(0, 8);
}

/** What it is must have changed afterwards, though a reader sees the same. */
async function touch(files: Files, sample: FormatSample): Promise<void> {
  const isFolder = sample.url.pathname.endsWith("/");
  for (const href of documentsOf(sample)) {
    const bytes = sample.files.get(href) as Uint8Array;
    const isText = isFolder && !href.endsWith(".parq");
    await files.write?.(new URL(href), isText ? Uint8Array.from([...bytes, 10]) : bytes);
  }
}

/** The file with much after its end, which nobody should read. */
function withTail(files: Files, url: URL): Files {
  return {
    ...files,
    async head(of, call) {
      const info = await files.head(of, call);
      return info === undefined || of.href !== url.href ? info : { ...info, size: info.size + TAIL };
    },
    async read(of, range, options) {
      const info = await files.head(of, options);
      if (info === undefined || of.href !== url.href) return files.read(of, range, options);
      const total = info.size + TAIL;
      const start = range === undefined ? 0 : "suffix" in range ? Math.max(0, total - range.suffix) : range.offset;
      const wanted = range === undefined || "suffix" in range ? total - start : (range.length ?? total - start);
      const out = new Uint8Array(Math.max(0, Math.min(wanted, total - start)));
      if (start < info.size) out.set((await files.read(of, { offset: start, length: wanted }, options)) ?? []);
      return out;
    },
  };
}

async function assertSurvives(
  open: (files: Files) => Promise<Dataset>,
  sample: FormatSample,
  href: string,
  bytes: Uint8Array,
): Promise<void> {
  const contents = new Map(sample.files).set(href, bytes);
  const files = withCounting(createMemoryFiles(contents));
  try {
    const dataset = await open(files);
    assertModel(dataset);
    for (const variable of dataset.variables.values()) await assertChunks(variable, contents);
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    assert.ok(
      isGyreError(error, "BadSource", "Unsupported", "TooLarge", "NotFound", "Denied"),
      `an error not raised on purpose: ${error instanceof Error ? error.stack : String(error)}`,
    );
  }
  assert.ok(files.counts.bytes < MOST_READ, `${files.counts.bytes} bytes were read of ${bytes.byteLength}`);
}

/** Everything that protocols take for granted. */
function assertModel({ variables, groups, dimensions }: Dataset): void {
  const isWhole = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;
  const seen = new Set([""]);
  for (const path of groups.keys()) {
    assert.ok(seen.has(parentOf(path)), `group ${path} comes before its parent`);
    seen.add(path);
  }
  for (const [name, variable] of variables) {
    const { shape, chunks, dims, codecs } = variable.spec;
    assert.equal(variable.name, name);
    assert.ok(seen.has(parentOf(name)), `${name} lies in no group`);
    assert.deepEqual([dims.length, chunks.length], [shape.length, shape.length], name);
    assert.ok(shape.every(isWhole), `shape of ${name}: ${shape}`);
    assert.ok(
      chunks.every((n) => isWhole(n) && n >= 1),
      `chunks of ${name}: ${chunks}`,
    );
    assert.ok(codecs.length > 0 || variable.read !== undefined, `${name} has no codecs`);
    dims.forEach((dim, i) => {
      const size = sizeOf(dim, parentOf(name));
      assert.equal(size, shape[i], `dimension ${dim} of ${name}`);
    });
  }

  function sizeOf(dim: string, path: string): number | undefined {
    // `/a/x`: the dimension x of group a, where a nearer one has the same name.
    if (dim.startsWith("/")) return sizeOf(dim.slice(dim.lastIndexOf("/") + 1), parentOf(dim).slice(1));
    const own = path === "" ? dimensions : groups.get(path)?.dimensions;
    return own?.get(dim)?.size ?? (path === "" ? undefined : sizeOf(dim, parentOf(path)));
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

/** The first and last chunk and some between lie inside their files; outside the grid there is none. */
async function assertChunks(variable: Variable, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const grid = chunkGrid(variable.spec);
  const count = product(grid);
  if (count === 0 || !Number.isSafeInteger(count)) return;
  for (let k = 0; k < SOME_CHUNKS; k++) {
    let rest = Math.floor((count - 1) * (k / (SOME_CHUNKS - 1)));
    const chunk = new Array<number>(grid.length);
    for (let i = grid.length - 1; i >= 0; i--) {
      chunk[i] = rest % grid[i]!;
      rest = Math.floor(rest / grid[i]!);
    }
    const ref = await variable.locate(chunk).catch((error: unknown) => {
      if (isGyreError(error)) return undefined;
      throw error;
    });
    if (ref === undefined || "inline" in ref) continue;
    const size = files.get(ref.url.href)?.byteLength;
    const where = `chunk ${chunk} of ${variable.name}: ${ref.length} bytes at ${ref.offset} of ${ref.url}`;
    assert.ok(Number.isSafeInteger(ref.offset) && ref.offset >= 0, where);
    assert.ok(Number.isSafeInteger(ref.length) && ref.length >= 0, where);
    if (size !== undefined) assert.ok(ref.offset + ref.length <= size, `${where}, which has ${size}`);
  }
}
