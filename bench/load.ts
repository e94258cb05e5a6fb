import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("cycle.lua", import.meta.url));

export interface LoadOptions {
  /** wrk's path. */
  readonly program: string;
  readonly seconds?: number;
  readonly connections?: number;
}

/** Asks for all paths one after the other, over and over; answers requests per second. Throws on any answer but 200. */
export async function requestsPerSecond(
  base: URL,
  paths: readonly string[],
  { program, seconds = 1, connections = 8 }: LoadOptions,
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "gyre-load-"));
  try {
    const list = join(folder, "paths");
    writeFileSync(list, paths.join("\n"));
    // wrk counts whole seconds; the time that it measures itself is what counts.
    const duration = `${Math.max(1, Math.round(seconds))}s`;
    const options = ["-t", "1", "-c", String(connections), "-d", duration, "--timeout", "30s", "-s", SCRIPT];
    const child = spawn(program, [...options, base.href, list], { stdio: ["ignore", "pipe", "inherit"] });
    const [text, [code]] = await Promise.all([Array.fromAsync(child.stdout), once(child, "exit")]);
    const line = /^result (.*)$/m.exec(Buffer.concat(text as Buffer[]).toString());
    if (code !== 0 || line === null) throw new Error(`wrk ended with ${code}`);
    const { requests, micros, failed } = JSON.parse(line[1]!) as { requests: number; micros: number; failed: number };
    if (failed > 0) throw new Error(`${failed} of ${requests} answers of ${base} were no success`);
    return requests / (micros / 1e6);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
