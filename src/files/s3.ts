import { createHash } from "node:crypto";
import type { IoCall } from "../core/array.ts";
import { badSource, GyreError } from "../errors.ts";
import type { FileInfo, Files, Listed, WriteOptions } from "./files.ts";
import {
  changed,
  type Exchange,
  isAbsent,
  type ObjectRequest,
  objectReads,
  refusal,
  writeConditions,
} from "./http-object.ts";
import type { Incoming } from "./incoming.ts";
import { decodeKey } from "./keys.ts";
import { inPieces, startingWith } from "./pieces.ts";
import { escapeXml, type ListPage, parseListing, parseS3Xml, textOf } from "./s3-xml.ts";
import { createTransport, type TransportOptions } from "./transport.ts";

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface S3Options extends TransportOptions {
  /** Default: Amazon's endpoint of the region. */
  readonly endpoint?: URL;
  readonly region?: string;
  /** Without them requests are anonymous. */
  readonly credentials?: S3Credentials;
  /** The bucket in the path instead of the host name; default: true with an own endpoint. */
  readonly pathStyle?: boolean;
  /** Most bytes of one answer. */
  readonly maxBytes?: number;
  /** Entries asked for at once when listing. */
  readonly pageSize?: number;
  /** A stream larger than this is uploaded in parts of this size; Amazon allows 5 MiB and more, and 10,000 parts. */
  readonly partBytes?: number;
}

interface Address {
  readonly bucket: string;
  readonly key: string;
}

type Query = Readonly<Record<string, string>>;

const MAX_PARTS = 10_000;
const MAX_XML_BYTES = 16 * 1024 * 1024;

/** Objects of S3 and what speaks like it, as `s3://bucket/key`. */
export function createS3Files(options: S3Options = {}): Files {
  const { region = "us-east-1", credentials, maxBytes = 1024 ** 3, pageSize = 1000 } = options;
  const { partBytes = 8 * 1024 * 1024 } = options;
  const endpoint = options.endpoint ?? new URL(`https://s3.${region}.amazonaws.com/`);
  const pathStyle = options.pathStyle ?? options.endpoint !== undefined;
  const send = createTransport(options);
  const signingKeys = new Map<string, ArrayBuffer>();

  async function sign(request: ObjectRequest, url: URL): Promise<Record<string, string>> {
    if (credentials === undefined) return { ...request.headers };
    const body = request.body ?? "";
    if (body instanceof ReadableStream) throw new TypeError("a stream is signed part by part");
    const { AwsV4Signer } = await import("aws4fetch");
    const signed = await new AwsV4Signer({
      ...credentials,
      method: request.method,
      url: url.href,
      headers: { ...request.headers, "x-amz-content-sha256": createHash("sha256").update(body).digest("hex") },
      service: "s3",
      region,
      cache: signingKeys,
    }).sign();
    return Object.fromEntries(signed.headers);
  }

  function exchangeAt<T>(
    source: URL,
    { bucket, key }: Address,
    query: Query,
    request: ObjectRequest,
    receive: (incoming: Incoming) => Promise<T>,
    call?: IoCall,
  ): Promise<T> {
    const url = new URL(endpoint);
    if (!pathStyle) url.host = `${bucket}.${url.host}`;
    const base = url.pathname.replace(/\/$/, "");
    url.pathname = `${base}/${pathStyle ? `${bucket}/` : ""}${escapeStrictly(key)}`;
    url.search = Object.entries(query)
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .join("&");
    return send(
      source,
      async () => ({ ...request, url, headers: await sign(request, url) }),
      async (incoming) => {
        const home = incoming.headers.get("x-amz-bucket-region");
        if (incoming.status >= 300 && incoming.status < 400 && home !== null) {
          throw badSource(source, undefined, `the bucket is in region ${home}, not ${region}`);
        }
        return receive(incoming);
      },
      call,
    );
  }

  const exchange: Exchange = async (source, request, receive, call) =>
    exchangeAt(source, objectAddress(source), {}, request, receive, call);

  async function put(url: URL, body: Uint8Array, write?: WriteOptions): Promise<FileInfo> {
    const headers = { ...writeConditions(write), ...contentType(write) };
    // A repeated conditional write meets its own first attempt and would call it somebody else's.
    const once = write?.ifMatch !== undefined || write?.ifNoneMatch !== undefined;
    return exchange(
      url,
      { method: "PUT", headers, body, once },
      async (incoming) => {
        if (incoming.status !== 200) throw writeRefusal(url, incoming, write);
        return writtenInfo(body.byteLength, incoming.headers.get("etag"));
      },
      write,
    );
  }

  async function putInParts(url: URL, parts: AsyncIterable<Uint8Array>, write?: WriteOptions): Promise<FileInfo> {
    const address = objectAddress(url);
    const ask = async (method: "POST" | "PUT" | "DELETE", query: Query, request: Partial<ObjectRequest> = {}) =>
      exchangeAt(
        url,
        address,
        query,
        { method, ...request },
        async (incoming) => {
          if (incoming.status >= 300) throw writeRefusal(url, incoming, write);
          return { etag: incoming.headers.get("etag"), xml: await incoming.text(MAX_XML_BYTES) };
        },
        method === "DELETE" ? undefined : write,
      );

    const started = await ask("POST", { uploads: "" }, { headers: contentType(write), once: true });
    const uploadId = textOf(await parseS3Xml(url, started.xml, "InitiateMultipartUploadResult"), "UploadId");
    if (uploadId === undefined) throw badSource(url, undefined, "the store started no upload");
    try {
      const etags: string[] = [];
      let size = 0;
      for await (const body of parts) {
        if (etags.length === MAX_PARTS) {
          throw new GyreError("TooLarge", `${url}: more than ${MAX_PARTS} parts of ${partBytes} bytes`);
        }
        const { etag } = await ask("PUT", { partNumber: String(etags.length + 1), uploadId }, { body });
        if (etag === null) throw badSource(url, undefined, "the store gave a part no tag");
        etags.push(etag);
        size += body.byteLength;
      }
      const list = etags.map(
        (etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`,
      );
      const body = `<CompleteMultipartUpload>${list.join("")}</CompleteMultipartUpload>`;
      const done = await ask("POST", { uploadId }, { body, headers: writeConditions(write), once: true });
      // S3 answers 200 before it knows how the work ends, and then reports failure in the body.
      const result = await parseS3Xml(url, done.xml, "CompleteMultipartUploadResult");
      if (result === undefined) throw badSource(url, undefined, "the store did not put the parts together");
      return writtenInfo(size, textOf(result, "ETag") ?? null);
    } catch (error) {
      await ask("DELETE", { uploadId }).catch(() => undefined);
      throw error;
    }
  }

  async function* list(prefix: URL, listing?: IoCall & { readonly recursive?: boolean }): AsyncGenerator<Listed> {
    const folder = addressOf(prefix);
    const fixed = { "list-type": "2", "encoding-type": "url", "max-keys": String(pageSize), prefix: folder.key };
    const query = listing?.recursive ? fixed : { ...fixed, delimiter: "/" };
    for (let token: string | undefined = ""; token !== undefined; ) {
      const asked: Query = token === "" ? query : { ...query, "continuation-token": token };
      const page: ListPage = await exchangeAt(
        prefix,
        { ...folder, key: "" },
        asked,
        { method: "GET" },
        async (incoming) => {
          if (isAbsent(incoming)) return { entries: [] };
          if (incoming.status !== 200) throw refusal(prefix, incoming);
          return parseListing(prefix, folder.key, await incoming.text(MAX_XML_BYTES));
        },
        listing,
      );
      yield* page.entries;
      if (page.next !== undefined && page.next === token)
        throw badSource(prefix, undefined, "the listing does not end");
      token = page.next;
    }
  }

  return {
    ...objectReads(exchange, maxBytes),
    list,
    async write(url, body, write) {
      write?.signal?.throwIfAborted();
      if (body instanceof Uint8Array) return put(url, body, write);
      const pieces = inPieces(body, partBytes, write?.signal);
      const first = await pieces.next();
      if (!first.done && first.value.byteLength === partBytes) {
        return putInParts(url, startingWith(first.value, pieces), write);
      }
      await pieces.return(undefined);
      return put(url, first.value ?? new Uint8Array(0), write);
    },
    delete: (url, call) =>
      exchange(
        url,
        { method: "DELETE" },
        async (incoming) => {
          if (incoming.status >= 300 && !isAbsent(incoming)) throw refusal(url, incoming);
        },
        call,
      ),
  };
}

/** Bucket and key of an `s3:` address. */
function addressOf(url: URL): Address {
  const key = decodeKey(url.pathname);
  if (url.protocol !== "s3:" || !/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(url.hostname) || key === undefined) {
    throw new GyreError("BadRequest", `${url} is no address of an S3 object`, { source: url.href });
  }
  return { bucket: url.hostname, key: key.slice(1) };
}

/** Not that of a bucket, which the same requests would list, make or delete. */
function objectAddress(url: URL): Address {
  const address = addressOf(url);
  if (address.key === "") throw new GyreError("BadRequest", `${url} is a bucket`, { source: url.href });
  return address;
}

/** Everything but RFC 3986's unreserved characters and the slash, as signatures are computed. */
function escapeStrictly(key: string): string {
  return encodeURIComponent(key)
    .replaceAll("%2F", "/")
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function contentType(write: WriteOptions | undefined): Record<string, string> {
  return write?.contentType === undefined ? {} : { "content-type": write.contentType };
}

/** `If-Match` on an object that is not there is answered with 404. */
function writeRefusal(url: URL, incoming: Incoming, write: WriteOptions | undefined): GyreError {
  return isAbsent(incoming) && write?.ifMatch !== undefined ? changed(url) : refusal(url, incoming);
}

function writtenInfo(size: number, etag: string | null): FileInfo {
  return etag === null ? { size } : { size, etag };
}
