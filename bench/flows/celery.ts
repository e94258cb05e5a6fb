import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Celery with its worker and Redis, and a process that submits. */
export interface CelerySide {
  call(name: string, ...args: readonly number[]): Promise<{ readonly seconds: number; readonly result: number }>;
  stop(): Promise<void>;
}

const FOLDER = fileURLToPath(new URL("../python/", import.meta.url));

/** Both as they come, on the loopback; Redis keeps its snapshots in a folder that lasts as long. */
export async function startCelery(python: string, redis: string, concurrency: number): Promise<CelerySide> {
  const data = await mkdtemp(join(tmpdir(), "gyre-bench-redis-"));
  const port = await freePort();
  const env = { ...process.env, REDIS_URL: `redis://127.0.0.1:${port}/0` };
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children.toReversed()) await ended(child);
    await rm(data, { recursive: true, force: true });
  };
  try {
    const server = spawn(redis, ["--port", String(port), "--bind", "127.0.0.1", "--dir", data], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(server);
    await said(server, /Ready to accept connections/);
    const args = [
      "-m",
      "celery",
      "-A",
      "celery_app",
      "worker",
      "--concurrency",
      String(concurrency),
      "--loglevel",
      "INFO",
    ];
    const worker = spawn(python, args, { cwd: FOLDER, env, stdio: ["ignore", "ignore", "pipe"] });
    children.push(worker);
    await said(worker, / ready\./);
    const submitter = spawn(python, ["celery_app.py"], { cwd: FOLDER, env, stdio: ["pipe", "pipe", "inherit"] });
    children.push(submitter);
    const lines = createInterface({ input: submitter.stdout })[Symbol.asyncIterator]();
    return {
      async call(name, ...args) {
        submitter.stdin.write(`${JSON.stringify([name, ...args])}\n`);
        const line = await lines.next();
        if (line.done === true) throw new Error(`Celery's submitter ended in ${name}`);
        return JSON.parse(line.value) as { seconds: number; result: number };
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function said(child: ChildProcess, what: RegExp): Promise<void> {
  const input = child.stdout ?? child.stderr;
  if (input === null) throw new Error("nothing can be heard of it");
  for await (const line of createInterface({ input })) {
    if (!what.test(line)) continue;
    input.resume();
    return;
  }
  throw new Error(`it ended before it said ${what}`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await exit;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  server.close();
  await once(server, "close");
  return port;
}
