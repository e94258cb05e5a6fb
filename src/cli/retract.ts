import { parseArgs } from "node:util";
import { GyreError } from "../errors.ts";
import type { Command } from "./command.ts";
import { changeItem } from "./publish/change-item.ts";
import { nodeUrl } from "./publisher.ts";

export const retract: Command = {
  name: "retract",
  summary: "withdraws a published item: marks it, or removes it",
  help: `gyre retract COLLECTION ITEM [OPTIONS]

Marks an item as retracted: it stays in the catalogue and says so, and its dataset is served no more. --hard removes it
from all catalogues.

      --soft             mark it (the default)
      --hard             remove it
      --node east|west|URL   default east (of the playground)
      --json             one JSON object

Example:
  gyre retract CMIP6 ITEM
  gyre retract CMIP6 ITEM --hard --node west`,

  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        hard: { type: "boolean", default: false },
        soft: { type: "boolean", default: false },
        node: { type: "string", default: "east" },
        json: { type: "boolean", default: false },
      },
    });
    const [collection, item, ...more] = positionals;
    if (collection === undefined || item === undefined || more.length > 0)
      throw new GyreError("BadRequest", "COLLECTION and ITEM are needed");
    if (values.hard && values.soft) throw new GyreError("BadRequest", "--hard and --soft exclude each other");
    const change = { collection, item, node: nodeUrl(values.node), json: values.json };
    const body = { properties: { retracted: true } };
    if (values.hard) await changeItem({ ...change, method: "DELETE" }, io);
    else await changeItem({ ...change, method: "PATCH", body, type: "application/merge-patch+json" }, io);
    return 0;
  },
};
