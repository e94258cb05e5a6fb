import type { PostgisConfig } from "../../config/processors.ts";
import { GyreError } from "../../errors.ts";
import { digest } from "../../formats/version.ts";
import { type PostgisSource, postgisLayer } from "../../vector/postgis/postgis.ts";
import { stemOf } from "../sources/chosen.ts";
import { crsOf } from "./configured.ts";
import type { VectorSource } from "./vector-source.ts";

/** Features of a table or a query of a PostGIS database. No database tells the state of its tables: people do. */
export function postgisSource({ url, table, sql, geometry, crs, version }: PostgisConfig): VectorSource {
  const { host, pathname } = new URL(url);
  const name = table ?? "query";
  const source: PostgisSource = {
    ...{ url, name, geometry },
    ...(table !== undefined && { table }),
    ...(sql !== undefined && { sql }),
    ...(crs !== undefined && { crs: crsOf(crs) }),
  };
  return {
    version: async () => digest([host, pathname, table ?? "", sql ?? "", geometry, crs ?? "", version]),
    look: async () => ({}),
    async *layers(context) {
      if (host === "") throw new GyreError("Unsupported", "no address of its database is configured");
      // Never with the address's user and password.
      context.used({ id: `postgres://${host}${pathname}#${name}`, digest: version });
      const layer = await postgisLayer(source, { signal: context.signal });
      yield { name: stemOf(name), layer, from: 0, share: 1 };
    },
  };
}
