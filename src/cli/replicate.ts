import { parseArgs } from "node:util";
import { GyreError } from "../errors.ts";
import type { Command } from "./command.ts";
import { changeItem } from "./publish/change-item.ts";
import { createNodeClient } from "./publish/node-client.ts";
import { datasetsAt, replicaPatch, withdrawalPatch } from "./publish/replica-patch.ts";
import { nodeUrl } from "./publisher.ts";

export const replicate: Command = {
  name: "replicate",
  summary: "tells the catalogue of a node's copies of an item's data",
  help: `gyre replicate COLLECTION ITEM --from NODE --to NODE [OPTIONS]

Adds to each asset of an item that lies at one node the copy of another, as an alternate asset under its host. Nothing is
copied: the other node serves the same datasets already.

      --from east|west|URL   the node whose assets are replicated; its catalogue takes the change
      --to east|west|URL     the node that has the copies
      --withdraw         the copies are gone: take them out again
      --node east|west|URL   the catalogue that takes the change, where it is another
      --json             one JSON object

Example:
  gyre replicate CMIP6 ITEM --from east --to west
  gyre replicate CMIP6 ITEM --from east --to west --withdraw`,

  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        from: { type: "string" },
        to: { type: "string" },
        node: { type: "string" },
        withdraw: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
      },
    });
    const [collection, id, ...more] = positionals;
    if (collection === undefined || id === undefined || more.length > 0)
      throw new GyreError("BadRequest", "COLLECTION and ITEM are needed");
    if (values.from === undefined || values.to === undefined)
      throw new GyreError("BadRequest", "--from and --to are needed");
    const [from, to] = [nodeUrl(values.from), nodeUrl(values.to)];
    const at = values.node === undefined ? from : nodeUrl(values.node);
    const known = await createNodeClient(at, io.signal).item(collection, id);
    if (known === undefined) throw new GyreError("NotFound", `${at.href} has no item ${collection}/${id}`);
    const { item, etag } = known;
    const body = values.withdraw ? withdrawalPatch(item, to) : replicaPatch(item, from, to);
    if (body.length === 0) {
      const missing = values.withdraw ? `no copy at ${to.host}` : `no asset at ${from.href}`;
      throw new GyreError("NotFound", `${collection}/${id} has ${missing}`);
    }
    if (!values.withdraw) {
      const server = createNodeClient(to, io.signal);
      for (const dataset of datasetsAt(item, from)) {
        if (!(await server.serves(dataset).catch(() => false))) io.err(`${to.href} does not serve ${dataset}`);
      }
    }
    await changeItem(
      {
        collection,
        item: id,
        node: at,
        method: "PATCH",
        body,
        type: "application/json-patch+json",
        json: values.json,
        // The patch is of the item that was read.
        ...(etag === undefined ? {} : { ifMatch: etag }),
      },
      io,
    );
    return 0;
  },
};
