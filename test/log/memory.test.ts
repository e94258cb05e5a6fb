import { createMemoryLog } from "../../src/log/memory.ts";
import { testEventLog } from "../contract/event-log.ts";

testEventLog("memory", async () => {
  const log = createMemoryLog();
  return { log, another: async () => log };
});

testEventLog("memory, one partition", async () => {
  const log = createMemoryLog({ partitions: 1 });
  return { log, another: async () => log };
});
