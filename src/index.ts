/**
 * The public interface: what programs that embed a node use, and what plugins are made of. Everything else may change
 * with any version.
 */

/** The copy of zod that Gyre reads the schemas of routes with. */
export { z } from "zod";
// Codecs.
export type {
  ArrayArrayCodec,
  ArrayBytesCodec,
  BytesBytesCodec,
  ChunkMeta,
  ChunkValues,
  Codec,
  CodecEntry,
  CodecRegistry,
  Limits,
} from "./codecs/codec.ts";
export { createCodecRegistry } from "./codecs/registry.ts";
// Nodes and reading.
export { type Config, configJsonSchema, configSchema, loadConfig } from "./config.ts";
// Protocols.
export type { Access, ListOptions, Opened, RawChunk } from "./core/access.ts";

// The array model.
export {
  type ArraySpec,
  type Attr,
  type Attrs,
  type Block,
  type ChunkRef,
  type CodecSpec,
  chunkExtent,
  chunkGrid,
  type Dataset,
  type Dimension,
  type Group,
  type IoCall,
  inGrid,
  type Json,
  product,
  type Scalar,
  strides,
  type Variable,
  virtualChunks,
} from "./core/array.ts";
export { attrFromJson, attrsFromJson, attrsToJson, attrToJson, numericAttr, textAttr } from "./core/attrs.ts";
export {
  allocate,
  asBytes,
  asValues,
  type DType,
  dtypeName,
  isNumeric,
  itemSize,
  type TypedArray,
  type Values,
} from "./core/dtype.ts";
export { type Geos, loadGeos } from "./core/geos.ts";
export { ANONYMOUS, type Call, type Principal } from "./core/principal.ts";
export {
  all,
  checkSelection,
  type DimSelection,
  isSlice,
  type Selection,
  type Slice,
  selectedIndex,
  selectionCount,
  selectionShape,
  slice,
} from "./core/selection.ts";
export {
  createEngine,
  type Engine,
  type EngineOptions,
  FORMATS,
  loadPlugins,
  type Plugin,
} from "./engine.ts";
export { badSource, type ErrorDetails, type ErrorTag, GyreError, isGyreError } from "./errors.ts";
// Files.
export type { ByteRange, FileInfo, Files, Listed, ReadOptions, WriteOptions } from "./files/files.ts";
export { createLocalFiles } from "./files/local.ts";
export { createMemoryFiles } from "./files/memory.ts";
// Processors.
export type { Boundary } from "./flows/boundaries/boundary.ts";
export type { Entity, Estimate, Progress, StepContext } from "./flows/flow.ts";
export type { ProcessorDeps } from "./flows/processors/create-processors.ts";
export type {
  Generated,
  MadeFile,
  Processor,
  ProcessorJob,
  ProcessorMetadata,
} from "./flows/processors/processor.ts";
export type { SourceCache } from "./flows/sources/source-cache.ts";
// Formats.
export type { Format, FormatContext, Hint } from "./formats/format.ts";
export { createFormatRegistry, type FormatRegistry } from "./formats/registry.ts";
export { digest, sourceVersion } from "./formats/version.ts";
export type { Answer } from "./http/answer.ts";
export { createApp } from "./http/app.ts";
export { createNode, type Node, type NodeOptions } from "./node.ts";
export { sourceUrl } from "./places.ts";
export {
  type Conditions,
  conditionsOf,
  isNotModified,
  type Reply,
  replyWith,
  strongTag,
  toResponse,
} from "./protocols/conditional.ts";
export { jsonResponse } from "./protocols/document.ts";
export { datasetUrl, type Link, openDataset, type Protocol, type Route, type RouteCall } from "./protocols/protocol.ts";
// Features.
export { clipped } from "./vector/clipped.ts";
export type { Feature, Layer, VectorFile, VectorWriter } from "./vector/feature.ts";
export { openVector } from "./vector/open.ts";
export { vectorWriter } from "./vector/writers.ts";
export { VERSION } from "./version.ts";
