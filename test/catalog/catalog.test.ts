import { testCatalog } from "../contract/catalog.ts";
import { testDatabases } from "../services/postgres.ts";

for (const { name, unavailable, make } of testDatabases()) {
  testCatalog(name, (ending) => make(ending, { migrations: ["node"] }), unavailable);
}
