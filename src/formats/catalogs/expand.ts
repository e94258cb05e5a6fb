import type { IoCall } from "../../core/array.ts";
import { GyreError } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import { type CatalogOptions, choose, type NamedEntry, readText, type SourceEntry } from "./catalog.ts";
import { intakeEntries } from "./intake.ts";
import { esmEntries } from "./intake-esm.ts";
import { stacEntries } from "./stac.ts";

export type { CatalogOptions, SourceEntry } from "./catalog.ts";

type Kind = "intake" | "intake-esm" | "stac";

/** Which catalogue a text begins like, for deciding whether to read it as one. */
export function catalogKind(text: string): Kind | undefined {
  if (/^\s*\{/.test(text)) {
    if (/"esmcat_version"\s*:/.test(text)) return "intake-esm";
    const isStac = /"stac_version"\s*:/.test(text) || /"type"\s*:\s*"FeatureCollection"/.test(text);
    return isStac ? "stac" : undefined;
  }
  return /^sources\s*:/m.test(text) ? "intake" : undefined;
}

const HEAD_BYTES = 1024;

/** Whether a file is a catalogue; what begins as no text is not read further. */
export async function isCatalog(url: URL, files: Files, call?: IoCall): Promise<boolean> {
  const head = await files.read(url, { offset: 0, length: HEAD_BYTES }, call);
  if (head === undefined || head.includes(0)) return false;
  return catalogKind(await readText(files, url, call)) !== undefined;
}

/**
 * The datasets that a catalogue names: Intake v1 (YAML), intake-esm (JSON with CSV) or static STAC, with what they
 * contain in turn. Throws Unsupported when the address is no such catalogue.
 */
export function expandSource(
  url: URL,
  files: Files,
  options: CatalogOptions = {},
  call?: IoCall,
): AsyncIterable<SourceEntry> {
  return choose(entriesOf(url, []), options);

  async function* entriesOf(at: URL, above: readonly string[]): AsyncGenerator<NamedEntry> {
    call?.signal?.throwIfAborted();
    const text = await readText(files, at, call);
    const reading = { files, options, above, nested: entriesOf, ...(call === undefined ? {} : { call }) };
    switch (catalogKind(text)) {
      case "intake":
        return yield* intakeEntries(at, text, reading);
      case "intake-esm":
        return yield* esmEntries(at, text, reading);
      case "stac":
        return yield* stacEntries(at, text, reading);
      default:
        throw new GyreError("Unsupported", `${at} is no catalogue that this node reads`, {
          source: at.href,
          allowed: ["Intake v1", "intake-esm", "STAC"],
        });
    }
  }
}
