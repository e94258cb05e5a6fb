import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { GyreError } from "../errors.ts";
import type { Command } from "./command.ts";
import { changeItem } from "./publish/change-item.ts";
import { nodeUrl } from "./publisher.ts";

export const update: Command = {
  name: "update",
  summary: "changes a published item, in part or as a whole",
  help: `gyre update COLLECTION ITEM --partial JSON|@FILE | --file FILE [OPTIONS]

Changes an item by a merge patch (RFC 7396: an object) or a JSON Patch (RFC 6902: a list), or replaces it.

      --partial JSON     the patch, or @FILE that holds it
      --file FILE        the whole item instead
      --if-match ETAG    only if the item is still the one of this entity tag
      --node east|west|URL   default east (of the playground)
      --json             one JSON object

Example:
  gyre update CMIP6 ITEM --partial '{"properties":{"latest":false}}'
  gyre update CMIP6 ITEM --file item.json --node west`,

  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        partial: { type: "string" },
        file: { type: "string" },
        "if-match": { type: "string" },
        node: { type: "string", default: "east" },
        json: { type: "boolean", default: false },
      },
    });
    const [collection, item, ...more] = positionals;
    if (collection === undefined || item === undefined || more.length > 0)
      throw new GyreError("BadRequest", "COLLECTION and ITEM are needed");
    const { partial, file } = values;
    if ((partial === undefined) === (file === undefined))
      throw new GyreError("BadRequest", "one of --partial and --file is needed");
    const text = partial !== undefined && !partial.startsWith("@") ? partial : await read(file ?? partial!.slice(1));
    const body = parsed(text, partial === undefined ? "--file" : "--partial");
    await changeItem(
      {
        collection,
        item,
        node: nodeUrl(values.node),
        json: values.json,
        ...(partial === undefined ? { method: "PUT", body } : { method: "PATCH", body, type: patchType(body) }),
        ...(values["if-match"] === undefined ? {} : { ifMatch: values["if-match"] }),
      },
      io,
    );
    return 0;
  },
};

function patchType(body: object): string {
  return Array.isArray(body) ? "application/json-patch+json" : "application/merge-patch+json";
}

async function read(path: string): Promise<string> {
  return readFile(path, "utf8").catch((cause: Error) => {
    throw new GyreError("BadRequest", `${path} cannot be read: ${cause.message}`, { cause });
  });
}

function parsed(text: string, option: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new GyreError("BadRequest", `${option} is no JSON: ${(cause as Error).message}`, { subject: option, cause });
  }
  if (typeof value === "object" && value !== null) return value;
  throw new GyreError("BadRequest", `${option} is neither an object nor a list`, { subject: option });
}
