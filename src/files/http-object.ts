import type { IoCall } from "../core/array.ts";
import { badSource, GyreError } from "../errors.ts";
import type { ByteRange, FileInfo, FileRead, Files, ReadOptions } from "./files.ts";
import type { Incoming } from "./incoming.ts";
import { resolveRange } from "./range.ts";
import type { Outgoing } from "./transport.ts";

/** A request for `source` without what its store adds: the address on the wire, credentials, retries. */
export type ObjectRequest = Omit<Outgoing, "url">;

/** How one store sends a request for one of its files. */
export type Exchange = <T>(
  source: URL,
  request: ObjectRequest,
  receive: (incoming: Incoming) => Promise<T>,
  call?: IoCall,
) => Promise<T>;

/** Identity made of Last-Modified and size where a server has no entity tags. */
const DATED = /^"t([0-9a-f]+)-[0-9a-f]+"$/;

/** Reading over any store that speaks GET, HEAD, Range and If-Match (RFC 9110 sections 13 and 14). */
export function objectReads(
  exchange: Exchange,
  maxBytes: number,
): Required<Pick<Files, "read" | "readWithInfo" | "head">> {
  async function head(url: URL, call?: IoCall): Promise<FileInfo | undefined> {
    const info = await exchange(
      url,
      { method: "HEAD" },
      async (incoming) => {
        if (isAbsent(incoming)) return undefined;
        const { length } = incoming;
        return incoming.status === 200 && length !== undefined ? infoOf(url, incoming, length) : "refused";
      },
      call,
    );
    return info === "refused" ? headByGet(url, call) : info;
  }

  /** For servers and signed addresses that allow GET only, and for HEAD answers without a length. */
  function headByGet(url: URL, call?: IoCall): Promise<FileInfo | undefined> {
    return exchange(
      url,
      { method: "GET", headers: { range: "bytes=0-0" } },
      async (incoming) => {
        if (isAbsent(incoming)) return undefined;
        const size = totalSize(incoming);
        if (incoming.status !== 200 && incoming.status !== 206 && incoming.status !== 416) {
          throw refusal(url, incoming);
        }
        if (size === undefined) throw badSource(url, undefined, "the server does not tell the file's size");
        return infoOf(url, incoming, size);
      },
      call,
    );
  }

  async function read(url: URL, range?: ByteRange, options?: ReadOptions): Promise<Uint8Array | undefined> {
    options?.signal?.throwIfAborted();
    // Checks the numbers, and says what HTTP cannot: a range of no bytes.
    const { start, end } = resolveRange(range, Number.MAX_SAFE_INTEGER);
    if (start === end) {
      const info = await head(url, options);
      if (info !== undefined) checkIdentity(url, options?.ifMatch, info.etag);
      return info === undefined ? undefined : new Uint8Array(0);
    }
    return get(url, range, (_incoming, bytes) => bytes, options);
  }

  function get<T>(
    url: URL,
    range: ByteRange | undefined,
    found: (incoming: Incoming, bytes: Uint8Array) => T,
    options?: ReadOptions,
  ): Promise<T | undefined> {
    return exchange(
      url,
      { method: "GET", headers: { ...rangeHeader(range), ...conditions(options?.ifMatch) } },
      async (incoming) => {
        if (isAbsent(incoming)) return undefined;
        if (incoming.status === 416) return found(incoming, new Uint8Array(0));
        if (incoming.status !== 200 && incoming.status !== 206) throw refusal(url, incoming);
        checkEncoding(url, incoming);
        checkIdentity(url, options?.ifMatch, identityOf(incoming, totalSize(incoming)));
        const receive = incoming.status === 206 ? receivePart : receiveWhole;
        return found(incoming, await receive(url, incoming, range, maxBytes));
      },
      options,
    );
  }

  async function readWithInfo(url: URL, range?: ByteRange, call?: IoCall): Promise<FileRead | undefined> {
    call?.signal?.throwIfAborted();
    const { start, end } = resolveRange(range, Number.MAX_SAFE_INTEGER);
    const told = (incoming: Incoming, bytes: Uint8Array): FileRead | "untold" => {
      const size = totalSize(incoming);
      return size === undefined ? "untold" : { bytes, info: infoOf(url, incoming, size) };
    };
    const answer = start === end ? "untold" : await get(url, range, told, call);
    if (answer !== "untold") return answer;
    const info = await head(url, call);
    const ifMatch = info?.etag === undefined ? {} : { ifMatch: info.etag };
    const bytes = info && (await read(url, range, { ...call, ...ifMatch }));
    return info && bytes && { bytes, info };
  }

  return { read, readWithInfo, head };
}

export function isAbsent(incoming: Incoming): boolean {
  return incoming.status === 404 || incoming.status === 410;
}

/** The error that an unexpected status means. */
export function refusal(source: URL, incoming: Incoming): GyreError {
  const { status } = incoming;
  if (status === 412 || status === 409) return changed(source);
  return badSource(source, undefined, status === 401 || status === 403 ? `refused (${status})` : `answered ${status}`);
}

/** Size and identity as the headers tell them. */
export function infoOf(source: URL, incoming: Incoming, size: number): FileInfo {
  checkEncoding(source, incoming);
  const etag = identityOf(incoming, size);
  const modified = lastModified(incoming);
  return { size, ...(etag === undefined ? {} : { etag }), ...(modified === undefined ? {} : { modified }) };
}

/** The conditions under which a file is written. */
export function writeConditions(options: { ifMatch?: string; ifNoneMatch?: "*" } = {}): Record<string, string> {
  return {
    ...(options.ifMatch === undefined ? {} : { "if-match": options.ifMatch }),
    ...(options.ifNoneMatch === undefined ? {} : { "if-none-match": options.ifNoneMatch }),
  };
}

export function changed(source: URL): GyreError {
  return new GyreError("Conflict", `${source} has changed or is there already`, { source: source.href });
}

function rangeHeader(range: ByteRange | undefined): Record<string, string> {
  if (range === undefined) return {};
  if ("suffix" in range) return { range: `bytes=-${range.suffix}` };
  const last = range.length === undefined ? "" : range.offset + range.length - 1;
  return { range: `bytes=${range.offset}-${last}` };
}

function conditions(ifMatch: string | undefined): Record<string, string> {
  // If-Match demands strong tags: with a weak one it would always fail, so that one is compared afterwards.
  if (ifMatch === undefined || ifMatch.startsWith("W/")) return {};
  const dated = DATED.exec(ifMatch);
  if (dated === null) return { "if-match": ifMatch };
  return { "if-unmodified-since": new Date(Number.parseInt(dated[1]!, 16)).toUTCString() };
}

/** Servers may ignore conditions: what they sent is compared too, as far as they say what it is. */
function checkIdentity(source: URL, wanted: string | undefined, found: string | undefined): void {
  if (wanted !== undefined && found !== undefined && wanted !== found) throw changed(source);
}

function identityOf(incoming: Incoming, size: number | undefined): string | undefined {
  const tag = incoming.headers.get("etag")?.trim();
  // Swift sends its digests without the quotes.
  if (tag !== undefined && tag !== "") return /^(W\/)?"/.test(tag) ? tag : `"${tag}"`;
  const modified = lastModified(incoming);
  if (modified === undefined || size === undefined) return undefined;
  return `"t${modified.getTime().toString(16)}-${size.toString(16)}"`;
}

function lastModified(incoming: Incoming): Date | undefined {
  const date = new Date(incoming.headers.get("last-modified") ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** Bytes of the whole file: after the slash of Content-Range, or Content-Length of a whole answer. */
function totalSize(incoming: Incoming): number | undefined {
  if (incoming.status === 200) return incoming.length;
  const total = /^bytes\s+(?:\d+-\d+|\*)\/(\d{1,16})$/i.exec(incoming.headers.get("content-range") ?? "")?.[1];
  return total === undefined ? undefined : Number(total);
}

/** Byte offsets are those of the stored file; fetch has undone the encoding, so they would mean something else. */
function checkEncoding(source: URL, incoming: Incoming): void {
  const encoding = incoming.headers.get("content-encoding");
  if (encoding === null || encoding === "" || encoding.toLowerCase() === "identity") return;
  throw badSource(source, undefined, `the server sends it with Content-Encoding ${encoding}`);
}

async function receivePart(
  source: URL,
  incoming: Incoming,
  range: ByteRange | undefined,
  maxBytes: number,
): Promise<Uint8Array> {
  const header = incoming.headers.get("content-range") ?? "";
  const [, first, last, total] = /^bytes\s+(\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/i.exec(header) ?? [];
  if (range === undefined || first === undefined) throw badSource(source, undefined, `sent "${header}" unasked`);
  const start = Number(first);
  const end = Number(last) + 1;
  const size = total === "*" ? undefined : Number(total);
  const wanted = size === undefined ? undefined : resolveRange(range, size);
  const fits =
    wanted === undefined
      ? end > start && ("suffix" in range || start === range.offset)
      : start === wanted.start && end === wanted.end;
  const most = "suffix" in range ? range.suffix : (range.length ?? Number.MAX_SAFE_INTEGER);
  if (!fits || end - start > most)
    throw badSource(source, start, `sent bytes ${start}-${end - 1}, not those asked for`);
  checkSize(source, end - start, maxBytes);
  const bytes = await incoming.slice(0, end - start);
  if (bytes.byteLength !== end - start) throw badSource(source, start, `sent ${bytes.byteLength} bytes only`);
  return bytes;
}

/** The server ignored the range: reads on to its end and stops there. */
async function receiveWhole(
  source: URL,
  incoming: Incoming,
  range: ByteRange | undefined,
  maxBytes: number,
): Promise<Uint8Array> {
  const { length } = incoming;
  if (range !== undefined && !("suffix" in range) && range.length !== undefined) {
    const { start, end } = resolveRange(range, length ?? Number.MAX_SAFE_INTEGER);
    checkSize(source, end, maxBytes);
    return incoming.slice(start, end);
  }
  if (length !== undefined) {
    const { start, end } = resolveRange(range, length);
    checkSize(source, end, maxBytes);
    return incoming.slice(start, end);
  }
  const bytes = await incoming.bytes(maxBytes);
  const { start, end } = resolveRange(range, bytes.byteLength);
  return bytes.subarray(start, end);
}

function checkSize(source: URL, bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) {
    throw new GyreError("TooLarge", `${source}: ${bytes} bytes to read, at most ${maxBytes} are allowed`, {
      source: source.href,
    });
  }
}
