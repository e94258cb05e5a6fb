/** The suites that every implementation of Gyre's interfaces passes, for `node:test`. */
export { type CodecCase, smoothValues, testCodec } from "./codec.ts";
export { type DatabaseContract, type DatabaseFixture, testDatabase } from "./database.ts";
export { type EventLogContract, type EventLogFixture, testEventLog } from "./event-log.ts";
export { type FilesContract, type FilesFixture, testFiles } from "./files.ts";
export { type FormatSample, testFormat } from "./format.ts";
export { type ProtocolCases, testProtocol } from "./protocol.ts";
