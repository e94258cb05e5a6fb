import type { IoCall } from "../core/array.ts";

/** From `offset`, `length` bytes (to the end without it); or the last `suffix` bytes. */
export type ByteRange = { readonly offset: number; readonly length?: number } | { readonly suffix: number };

export interface FileInfo {
  /** Bytes. */
  readonly size: number;
  /** Strong entity tag where the store has one; for local files `"{mtime_ns}-{size}"` in hex. */
  readonly etag?: string;
  readonly modified?: Date;
}

export interface Listed {
  readonly url: URL;
  /** Folders end in `/` and are listed only without `recursive`. */
  readonly info?: FileInfo;
}

export interface ReadOptions extends IoCall {
  /** Fails with Conflict when the file's entity tag is no longer this one. */
  readonly ifMatch?: string;
  /**
   * Asked before anything is read from a file that symbolic links lead to, with the place where it lies; throws to
   * refuse. Only for stores that say `asksAdmission`.
   */
  readonly admit?: (real: URL) => Promise<void>;
  /**
   * Gives room for so many bytes, or more; called when their number is known. Stores whose bytes come in buffers of
   * their own make no use of it.
   */
  readonly into?: (bytes: number) => Uint8Array;
}

/** Bytes, and what their store said of the whole file when it sent them. */
export interface FileRead {
  readonly bytes: Uint8Array;
  readonly info: FileInfo;
}

export interface WriteOptions extends IoCall {
  readonly ifMatch?: string;
  /** `*`: only when there is no such file. */
  readonly ifNoneMatch?: "*";
  readonly contentType?: string;
  /**
   * It can be made again, and whoever reads it notices when it is not whole: it need not outlast a power cut, which is
   * most of what writing a small file costs.
   */
  readonly isCache?: boolean;
}

/**
 * Where bytes lie, by URL. Optional methods are capabilities. An absent file is `undefined`; anything else that goes
 * wrong throws: BadSource (refused, broken), Busy (did not answer in time, overloaded), Denied (outside the allowed
 * prefixes), Conflict (`ifMatch` failed).
 */
export interface Files {
  /**
   * Reads at most the range: fewer bytes at the end of the file, none beyond it. Other readers may hold the same bytes:
   * they are not to be changed.
   */
  read(url: URL, range?: ByteRange, options?: ReadOptions): Promise<Uint8Array | undefined>;
  /** `read` and `head` in one request: for stores where every request is a round trip. */
  readWithInfo?(url: URL, range?: ByteRange, options?: ReadOptions): Promise<FileRead | undefined>;
  /** `read` asks `admit` itself when it opens a file: whoever passes it need not look where links lead. */
  readonly asksAdmission?: boolean;
  head(url: URL, call?: IoCall): Promise<FileInfo | undefined>;
  /**
   * Entries below a folder (`prefix` ends in `/`), in code-point order of their decoded paths (so `a.nc` comes before
   * `a/`); with `recursive` files at any depth, no folders.
   */
  list?(prefix: URL, options?: IoCall & { readonly recursive?: boolean }): AsyncIterable<Listed>;
  write?(url: URL, body: Uint8Array | ReadableStream<Uint8Array>, options?: WriteOptions): Promise<FileInfo>;
  /** No error when the file is not there. */
  delete?(url: URL, call?: IoCall): Promise<void>;
  /** Releases handles and sockets. */
  close?(): Promise<void>;
}
