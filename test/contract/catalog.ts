import { describe } from "node:test";
import type { Pool } from "../../src/db/database.ts";
import type { Ending } from "../services/postgres.ts";
import { testAggregations } from "./catalog/aggregations.ts";
import { testAreas } from "./catalog/areas.ts";
import { testBounds } from "./catalog/bounds.ts";
import { testCollections } from "./catalog/collections.ts";
import { testDoor } from "./catalog/door.ts";
import { testPaging } from "./catalog/paging.ts";
import { testProjection } from "./catalog/projection.ts";
import { testSearch } from "./catalog/search.ts";

/** An empty schema with the tables of `sql/node`, gone when the test ends. */
export type MakePool = (ending: Ending) => Promise<Pool>;

/** What a catalogue does on every server: the door, the projection, searches. */
export function testCatalog(name: string, make: MakePool, unavailable?: string): void {
  describe(`catalog: ${name}`, { skip: unavailable ?? false }, () => {
    testDoor(make);
    testProjection(make);
    testCollections(make);
    testSearch(make);
    testAreas(make);
    testAggregations(make);
    testPaging(make);
    testBounds(make);
  });
}
