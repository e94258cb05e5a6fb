import { createHash } from "node:crypto";
import type { IoCall } from "../../core/array.ts";
import { forEachLimited } from "../../core/concurrency.ts";
import { badSource, GyreError, isGyreError } from "../../errors.ts";
import type { Files } from "../../files/files.ts";
import type { NewFile } from "./made-files.ts";
import { measure } from "./measured.ts";
import { pieces } from "./pieces.ts";

/** Uploads at once. */
const LANES = 4;
/** Other writers of the same name that are met before it is given up. */
const TRIES = 4;

/** Where files went. */
export interface Placed {
  /** `""` or `<digest>/`. */
  readonly below: string;
  /** What was there already: of a try that broke off, or of the state before. */
  readonly found: readonly URL[];
}

/**
 * Puts files where nothing is ever overwritten: into `folder` itself, or, where one of their names is taken by other
 * bytes, into a folder named by their digest; first of all into `last`, where the state before has the same. Files that
 * are there are not sent again.
 */
export async function placeFiles(
  files: Files,
  folder: URL,
  made: readonly NewFile[],
  last: string | undefined,
  call: IoCall,
): Promise<Placed> {
  const digest = createHash("sha256").update(made.map(({ name, hash }) => `${hash} ${name}\n`).join(""));
  const revision = `${digest.digest("hex").slice(0, 16)}/`;
  for (const below of new Set([last ?? "", "", revision])) {
    const found: URL[] = [];
    let isTaken = false;
    await forEachLimited(made, LANES, async (file) => {
      if (isTaken) return;
      const url = new URL(below + file.name, folder);
      const outcome = await placeFile(files, url, file, call);
      if (outcome === "taken") isTaken = true;
      if (outcome === "found") found.push(url);
    });
    if (!isTaken) return { below, found };
  }
  throw new GyreError("Conflict", `${folder}${revision} holds other files than its name says`, { source: folder.href });
}

async function placeFile(
  files: Files,
  url: URL,
  file: NewFile,
  call: IoCall,
  tries = TRIES,
): Promise<"placed" | "found" | "taken"> {
  if (files.write === undefined) throw new GyreError("Unsupported", `packages cannot be written at ${url}`);
  const info = await files.head(url, call);
  if (info === undefined) {
    try {
      const body = ReadableStream.from(unchanged(file, call));
      const written = await files.write(url, body, { ...call, ifNoneMatch: "*", contentType: file.mediaType });
      if (written.size !== file.bytes) throw badSource(url, written.size, `${file.bytes} bytes were sent`);
      return "placed";
    } catch (error) {
      // Another one was faster, perhaps with the same bytes; or it is there, and only the answer was lost.
      if (!isGyreError(error, "Conflict", "Busy") || tries === 1) throw error;
      return placeFile(files, url, file, call, tries - 1);
    }
  }
  if (info.size !== file.bytes) return "taken";
  const { hash } = await measure(pieces(files, url, info, undefined, call));
  return hash === file.hash ? "found" : "taken";
}

/** The bytes that were measured; the upload breaks off before its end when they are others by now. */
async function* unchanged({ name, hash, open }: NewFile, call: IoCall): AsyncGenerator<Uint8Array> {
  const digest = createHash("sha256");
  for await (const part of open(call)) {
    digest.update(part);
    yield part;
  }
  if (`sha256:${digest.digest("hex")}` !== hash) throw badSource(name, undefined, "changed while it was uploaded");
}
