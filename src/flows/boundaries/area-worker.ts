import { parentPort, workerData } from "node:worker_threads";
import { isGyreError } from "../../errors.ts";
import { areaOf } from "./area.ts";
import type { AreaAnswer, AreaTask } from "./area-thread.ts";

/** The thread's side of `area-thread.ts`: one area, then it ends. */
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

parentPort?.postMessage(await answered());
