import { z } from "zod";
import type { IoCall } from "../../core/array.ts";
import { badSource, GyreError } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import { readWithInfo } from "../../files/read-with-info.ts";
import type { ProvenanceLog } from "./package-store.ts";
import { replaceFile, tagOf } from "./replace-file.ts";

const MOST_BYTES = 64 * 1024 * 1024;

/** UTC time to what was logged then, in order: the founding system's shape. */
const provenance = z.record(z.string(), z.array(z.record(z.string(), z.unknown())));

/** Appends to `provenance.json`, which is made where there is none. Of several writers none loses an entry. */
export function appendProvenance(
  files: Files,
  url: URL,
  logs: readonly ProvenanceLog[],
  time: Date,
  call?: IoCall,
): Promise<void> {
  const key = time.toISOString();
  return replaceFile(
    files,
    url,
    async () => {
      const found = await readWithInfo(files, url, { offset: 0, length: MOST_BYTES + 1 }, call);
      if (found !== undefined && logs.length === 0) return undefined;
      const before = found === undefined ? {} : parse(url, found.bytes);
      // Two writers of one millisecond share an entry.
      const after = logs.length === 0 ? before : { ...before, [key]: [...(before[key] ?? []), ...logs] };
      const body = new TextEncoder().encode(`${JSON.stringify(after, undefined, 2)}\n`);
      if (body.byteLength > MOST_BYTES) throw new GyreError("TooLarge", `${url} has more than ${MOST_BYTES} bytes`);
      return { body, etag: found && tagOf(url, found.info) };
    },
    call,
  );
}

function parse(url: URL, bytes: Uint8Array): z.output<typeof provenance> {
  if (bytes.byteLength > MOST_BYTES) throw badSource(url, undefined, `has more than ${MOST_BYTES} bytes`);
  try {
    return provenance.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw badSource(url, undefined, "is no provenance: UTC times with lists of logs", cause);
  }
}
