import { parentPort, workerData } from "node:worker_threads";
import { loadGeos } from "../../core/geos.ts";
import { isGyreError } from "../../errors.ts";
import { areaOf } from "./area.ts";
import type { AreaAnswer, AreaTask } from "./area-thread.ts";

/** The thread's side of `area-thread.ts`: one area, then it ends. Its time begins when all is loaded. */
const { polygons, options } = workerData as AreaTask;

async function answered(): Promise<AreaAnswer> {
  try {
    return { area: await areaOf(polygons, options) };
  } catch (error) {
    if (!isGyreError(error)) throw error;
    const { tag, message, details } = error;
    return { tag, message, faults: details.faults ?? [] };
  }
}

await loadGeos();
parentPort?.postMessage({ isBegun: true } satisfies AreaAnswer);
parentPort?.postMessage(await answered());
