import type { PostgisConfig } from "../../config/processors.ts";
import { GyreError } from "../../errors.ts";
import { digest } from "../../formats/version.ts";
import type { VectorSource } from "./vector-source.ts";

/** Features of a table or a query of a PostGIS database. No database tells the state of its tables: people do. */
export function postgisSource({ url, table, sql, geometry, crs, version }: PostgisConfig): VectorSource {
  const { host, pathname } = new URL(url);
  return {
    version: async () => digest([host, pathname, table ?? "", sql ?? "", geometry, crs, version]),
    look: async () => ({}),
    // biome-ignore lint/correctness/useYield: work in progress
    async *layers() {
      throw new GyreError("Unsupported", "no PostGIS yet");
    },
  };
}
