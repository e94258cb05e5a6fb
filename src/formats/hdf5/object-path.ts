import type { H5File } from "./file.ts";
import { isGroup, readLinks } from "./group.ts";
import { type ObjectHeader, readObjectHeader } from "./object-header.ts";

/** Soft links followed for one path. */
const MOST_LINKS = 16;

/** Names along a path; empty ones and "." mean nothing. */
export function pathParts(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

/** The object at an absolute path. Undefined: there is none in this file. */
export async function findObject(file: H5File, path: string): Promise<ObjectHeader | undefined> {
  let parts = pathParts(path);
  let header = await readObjectHeader(file, file.superblock.root);
  for (let followed = 0, i = 0; i < parts.length; i++) {
    if (!isGroup(header)) return undefined;
    const link = (await readLinks(file, header)).find(({ name }) => name === parts[i]);
    if (link?.kind === "hard") {
      header = await readObjectHeader(file, link.address);
    } else if (link?.kind === "soft" && followed++ < MOST_LINKS) {
      const before = link.path.startsWith("/") ? [] : parts.slice(0, i);
      parts = [...before, ...pathParts(link.path), ...parts.slice(i + 1)];
      header = await readObjectHeader(file, file.superblock.root);
      i = -1;
    } else {
      return undefined;
    }
  }
  return header;
}
