import { testFlows } from "../../contract/flows.ts";
import { testDatabases } from "../../services/postgres.ts";

for (const { name, unavailable, make, address } of testDatabases()) {
  testFlows(
    name,
    async () => {
      const endings: (() => Promise<void>)[] = [];
      const pool = await make({ after: (work) => void endings.push(work) }, { max: 10 });
      const close = (): Promise<unknown> => Promise.all(endings.map((work) => work()));
      return { pool, address: await address(), close };
    },
    unavailable,
  );
}
