import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { GyreError } from "../../errors.ts";
import type { BoundaryDraft } from "./admin.ts";

/** The program has this module's own suffix: `.ts` from source, `.js` in `dist`. */
const SUFFIX = import.meta.url.slice(import.meta.url.lastIndexOf("."));
const PROGRAM = fileURLToPath(new URL(`./natural-earth-program${SUFFIX}`, import.meta.url));

/** `naturalEarthCountries`, made in a process: what that takes, some hundred megabytes for seconds, goes with it. */
export async function* naturalEarthApart(): AsyncGenerator<BoundaryDraft> {
  const child = spawn(process.execPath, [PROGRAM], { stdio: ["ignore", "pipe", "inherit"], windowsHide: true });
  const exit = once(child, "exit") as Promise<[number | null]>;
  try {
    for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as BoundaryDraft;
    const [code] = await exit;
    if (code !== 0) throw new GyreError("Busy", `Natural Earth could not be read: a process ended with ${code}`);
  } finally {
    child.kill("SIGKILL");
  }
}
