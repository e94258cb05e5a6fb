import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as gyre from "../src/index.ts";
import * as testing from "./contract/index.ts";

/** Names that others build on. One that goes or changes its meaning is a breaking change: say so in CHANGELOG.md. */
const VALUES = `
  ANONYMOUS FORMATS GyreError VERSION all allocate asBytes asValues attrFromJson attrToJson attrsFromJson attrsToJson
  badSource checkSelection chunkExtent chunkGrid clipped conditionsOf configJsonSchema configSchema createApp
  createCodecRegistry createEngine createFormatRegistry createLocalFiles createMemoryFiles createNode datasetUrl
  digest dtypeName inGrid isGyreError isNotModified isNumeric isSlice itemSize jsonResponse loadConfig loadGeos
  loadPlugins numericAttr openDataset openVector product replyWith selectedIndex selectionCount selectionShape slice
  sourceUrl sourceVersion strides strongTag textAttr toResponse vectorWriter virtualChunks z
`;
const SUITES = "smoothValues testCodec testDatabase testEventLog testFiles testFormat testProtocol";
const TYPES = `
  Access Answer ArrayArrayCodec ArrayBytesCodec ArraySpec Attr Attrs Block Boundary ByteRange BytesBytesCodec Call
  ChunkMeta ChunkRef ChunkValues Codec CodecEntry CodecRegistry CodecSpec Conditions Config DType Dataset DimSelection
  Dimension Engine EngineOptions Entity ErrorDetails ErrorTag Estimate Feature FileInfo Files Format FormatContext
  FormatRegistry Generated Geos Group Hint IoCall Json Layer Limits Link ListOptions Listed MadeFile Node NodeOptions
  Opened Plugin Principal Processor ProcessorDeps ProcessorJob ProcessorMetadata Progress Protocol RawChunk
  ReadOptions Reply Route RouteCall Scalar Selection Slice SourceCache StepContext TypedArray Values Variable
  VectorFile VectorWriter WriteOptions
`;
const words = (text: string): string[] => text.trim().split(/\s+/);

test("gyre exports what it did", () => {
  assert.deepEqual(Object.keys(gyre).sort(), words(VALUES));
});

test("gyre exports the types it did", () => {
  const source = readFileSync("src/index.ts", "utf8");
  const names: string[] = [];
  for (const [, isType, list = ""] of source.matchAll(/^export (type )?\{([^}]*)\}/gm)) {
    for (const entry of list.split(",").map((text) => text.trim())) {
      if (isType !== undefined || entry.startsWith("type ")) names.push(entry.replace(/^type /, ""));
    }
  }
  assert.deepEqual(names.filter((name) => name !== "").sort(), words(TYPES));
});

test("gyre/testing exports the suites", () => {
  assert.deepEqual(Object.keys(testing).sort(), words(SUITES));
});
