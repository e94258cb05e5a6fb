import type { CodecRegistry } from "../codecs/codec.ts";
import type { Dataset, IoCall } from "../core/array.ts";
import { GyreError } from "../errors.ts";
import type { FileInfo, Files } from "../files/files.ts";
import { withPinning } from "../files/with-pinning.ts";
import type { Format, FormatContext, Hint } from "./format.ts";

/** Where the metadata of most files begins, and with small ones ends: formats need not read it again. */
const HEAD_BYTES = 64 * 1024;
/** Entries of a folder that say what it is; asked for one by one where the store cannot list. */
const MARKERS = ["zarr.json", ".zgroup", ".zarray", ".zmetadata"] as const;

export interface FormatRegistry {
  readonly formats: readonly Format[];
  /** The first format that recognises the source; undefined when none does. Throws NotFound when it is absent. */
  detect(url: URL, call?: IoCall): Promise<Format | undefined>;
  /** A file that is not what it is `known` to be throws Conflict, as does one that changes while it is opened. */
  open(url: URL, call?: IoCall, known?: FileInfo): Promise<Dataset>;
}

/** Formats in the order in which they are asked. */
export function createFormatRegistry(formats: readonly Format[], files: Files, codecs: CodecRegistry): FormatRegistry {
  async function detect(url: URL, call?: IoCall): Promise<Format | undefined> {
    return recognise(await look(url, files, call));
  }

  function recognise(hint: Hint): Format | undefined {
    return formats.find((format) => format.sniff(hint));
  }

  async function look(url: URL, files: Files, call?: IoCall): Promise<Hint> {
    if (!isFolder(url)) {
      const head = await files.read(url, { offset: 0, length: HEAD_BYTES }, call);
      if (head === undefined) throw new GyreError("NotFound", `${url} is not there`, { source: url.href });
      return { url, head };
    }
    const found = await Promise.all(
      MARKERS.map(async (name) => ((await files.head(new URL(name, url), call)) === undefined ? undefined : name)),
    );
    return { url, head: new Uint8Array(0), entries: new Set(found.filter((name) => name !== undefined)) };
  }

  async function open(url: URL, call?: IoCall, known?: FileInfo): Promise<Dataset> {
    // Documents of a folder are read once each, whole: only of a file could two reads be of two states.
    if (isFolder(url)) return openFrom(files, url, call);
    const held = withPinning(files, known === undefined ? [] : [[url, known]]);
    try {
      return await openFrom(held, url, call);
    } finally {
      held.release();
    }
  }

  async function openFrom(files: Files, url: URL, call?: IoCall): Promise<Dataset> {
    const hint = await look(url, files, call);
    const format = recognise(hint);
    if (format === undefined) {
      throw new GyreError("Unsupported", `${url} is in no format that this node reads`, {
        source: url.href,
        allowed: formats.map((f) => f.name),
      });
    }
    const { head } = hint;
    const context: FormatContext = { files, head, codecs, open: (other, reader) => open(other, reader) };
    return format.open(url, context, call);
  }

  return { formats, detect, open };
}

function isFolder(url: URL): boolean {
  return url.pathname.endsWith("/");
}
