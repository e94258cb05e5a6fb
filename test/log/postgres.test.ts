import { createPostgresLog } from "../../src/log/postgres.ts";
import { testEventLog } from "../contract/event-log.ts";
import { testDatabases } from "../services/postgres.ts";

for (const { name, unavailable, make } of testDatabases()) {
  testEventLog(
    name,
    async () => {
      const endings: (() => Promise<void>)[] = [];
      const ending = { after: (work: () => Promise<void>) => void endings.push(work) };
      const pool = await make(ending, { migrations: ["log"] });
      return {
        log: await createPostgresLog(pool),
        another: () => createPostgresLog(pool),
        close: async () => {
          for (const work of endings) await work();
        },
      };
    },
    { unavailable },
  );
}
