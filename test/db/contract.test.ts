import { testDatabase } from "../contract/database.ts";
import { testDatabases } from "../services/postgres.ts";

for (const { name, unavailable, make } of testDatabases()) {
  testDatabase(
    name,
    async () => {
      const endings: (() => Promise<void>)[] = [];
      const pool = await make({ after: (work) => void endings.push(work) });
      console.log(await pool.version());
      return { pool, close: () => Promise.all(endings.map((work) => work())) };
    },
    { unavailable },
  );
}
