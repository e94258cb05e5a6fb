import { createBoundaries } from "../../../src/flows/boundaries/create-boundaries.ts";
import { testBoundaries } from "../../contract/boundaries.ts";
import { testDatabases } from "../../services/postgres.ts";

for (const { name, unavailable, make } of testDatabases()) {
  testBoundaries(
    name,
    async (t) => createBoundaries(await make(t, { migrations: ["node"] }), { defaultSet: undefined }),
    { unavailable },
  );
}
