import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { AwsV4Signer } from "aws4fetch";

/** A server of somebody else that runs for a test, on a free port of this machine. */
export interface Service {
  readonly url: URL;
  stop(): Promise<void>;
}

/** A service, or why there is none here. */
export type Started = (Service & { readonly unavailable?: undefined }) | { readonly unavailable: string };

export interface S3Service extends Service {
  /** Keys whose signatures the server checks. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export type StartedS3 = (S3Service & { readonly unavailable?: undefined }) | { readonly unavailable: string };

const MOTO = fileURLToPath(new URL("../../.peers/moto/bin/", import.meta.url));
/** No thread takes over between the look at a write's condition and the write, which moto does not guard. */
const MOTO_MAIN = "import sys; sys.setswitchinterval(3600); from moto.server import main; main()";
const PATIENCE_MS = 180_000;
/** Asked politely it waits for the threads of connections that clients keep open, at times for ever. */
const MOTO_END = "SIGKILL";

/** nginx with one server, whose directives are `server`: `location / { root /tmp/x; autoindex on; }`. */
export async function startNginx(server: string): Promise<Started> {
  const program = findProgram("nginx", ["/usr/sbin", "/usr/local/sbin"]);
  if (program === undefined) return missing("nginx is not installed (node scripts/services.ts install)");
  const folder = await mkdtemp(join(tmpdir(), "gyre-nginx-"));
  await mkdir(join(folder, "tmp"));
  const port = await freePort();
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path tmp/${kind};`);
  const config = `
daemon off;
${process.getuid?.() === 0 ? `user ${userInfo().username};` : ""}
pid nginx.pid;
error_log error.log;
worker_processes 1;
events { worker_connections 256; }
http {
  access_log off;
  default_type application/octet-stream;
  ${paths.join("\n  ")}
  server {
    listen 127.0.0.1:${port};
    ${server}
  }
}
`;
  await writeFile(join(folder, "nginx.conf"), config);
  const child = spawn(program, ["-p", folder, "-e", join(folder, "error.log"), "-c", join(folder, "nginx.conf")], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  await answering(child, port);
  return { url: new URL(`http://127.0.0.1:${port}/`), stop: () => stop(child, folder) };
}

/**
 * moto's S3 with one empty bucket. It checks signatures: its first answers are free, and go into making a user who may
 * use S3; the bucket is made with that user's keys.
 */
export async function startS3(bucket: string): Promise<StartedS3> {
  if (!existsSync(join(MOTO, "moto_server")))
    return missing("moto is not installed (node scripts/services.ts install)");
  const folder = await mkdtemp(join(tmpdir(), "gyre-moto-"));
  const child = spawn(join(MOTO, "python"), ["-c", MOTO_MAIN, "-H", "127.0.0.1", "-p", "0"], {
    cwd: folder,
    env: { ...process.env, INITIAL_NO_AUTH_ACTION_COUNT: "3", PYTHONUNBUFFERED: "1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const url = await announcedUrl(child);
  const iam = async (query: Readonly<Record<string, string>>): Promise<string> => {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        host: "iam.amazonaws.com",
        // Says which of Amazon's services is meant.
        authorization:
          "AWS4-HMAC-SHA256 Credential=none/20300101/us-east-1/iam/aws4_request, SignedHeaders=, Signature=",
      },
      body: new URLSearchParams({ Version: "2010-05-08", UserName: "gyre", ...query }),
    });
    assert.ok(response.ok, `moto answered ${response.status}`);
    return response.text();
  };
  const Statement = [{ Effect: "Allow", Action: "s3:*", Resource: "*" }];
  await iam({ Action: "CreateUser" });
  await iam({
    Action: "PutUserPolicy",
    PolicyName: "s3",
    PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement }),
  });
  const answer = await iam({ Action: "CreateAccessKey" });
  const tag = (name: string): string => new RegExp(`<${name}>([^<]+)</${name}>`).exec(answer)?.[1] ?? "";
  const credentials = { accessKeyId: tag("AccessKeyId"), secretAccessKey: tag("SecretAccessKey") };
  const signer = new AwsV4Signer({ ...credentials, method: "PUT", url: new URL(bucket, url).href, service: "s3" });
  const { url: signedUrl, headers } = await signer.sign();
  const created = await fetch(signedUrl, { method: "PUT", headers });
  assert.ok(created.ok, await created.text());
  return { url, credentials, stop: () => stop(child, folder, MOTO_END) };
}

/** moto's S3 with one empty bucket that everybody may read, and list, without any signature; any keys may write. */
export async function startPublicS3(bucket: string): Promise<StartedS3> {
  if (!existsSync(join(MOTO, "moto_server")))
    return missing("moto is not installed (node scripts/services.ts install)");
  const folder = await mkdtemp(join(tmpdir(), "gyre-moto-"));
  const child = spawn(join(MOTO, "python"), ["-c", MOTO_MAIN, "-H", "127.0.0.1", "-p", "0"], {
    cwd: folder,
    env: { ...process.env, PYTHONUNBUFFERED: "1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const url = await announcedUrl(child);
  const credentials = { accessKeyId: "any", secretAccessKey: "any" };
  const put = async (path: string, body: string): Promise<void> => {
    const address = new URL(path, url).href;
    const signer = new AwsV4Signer({ ...credentials, method: "PUT", url: address, body, service: "s3" });
    const { headers } = await signer.sign();
    const answer = await fetch(address, { method: "PUT", headers, body });
    assert.ok(answer.ok, await answer.text());
  };
  const Resource = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`];
  const Statement = [{ Effect: "Allow", Principal: "*", Action: ["s3:GetObject", "s3:ListBucket"], Resource }];
  await put(bucket, "");
  await put(`${bucket}?policy`, JSON.stringify({ Version: "2012-10-17", Statement }));
  return { url, credentials, stop: () => stop(child, folder, MOTO_END) };
}

/** A missing service fails the run where all are required. */
export function missing(unavailable: string): { readonly unavailable: string } {
  assert.notEqual(process.env.GYRE_REQUIRE_SERVICES, "1", unavailable);
  return { unavailable };
}

export function findProgram(name: string, folders: readonly string[]): string | undefined {
  const paths = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return [...paths, ...folders].map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Below the ports that Linux gives to connections that go out. */
const PORTS = [12_000, 32_000] as const;

/**
 * A port of this machine that nobody listens on, nor on those so many above it. The system gives it to no connection
 * that goes out: else one of them could have it before the server does, or while that is started again.
 */
export async function freePort(above: readonly number[] = []): Promise<number> {
  for (;;) {
    const port = randomInt(...PORTS);
    const free = await Promise.all([0, ...above].map((more) => isFree(port + more)));
    if (!free.includes(false)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}

/** Waits until the port accepts connections. */
async function answering(child: ChildProcess, port: number): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(10)) {
    assert.equal(child.exitCode, null, "the service ended at once");
    assert.ok(Date.now() < end, "the service does not answer");
    const socket = connect(port, "127.0.0.1");
    const connected = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return;
  }
}

/** The address that a Python server writes when it listens; what it writes later is read too, or it would wait. */
function announcedUrl(child: ChildProcess): Promise<URL> {
  const { promise, resolve, reject } = Promise.withResolvers<URL>();
  const late = setTimeout(() => reject(new Error("the service does not answer")), PATIENCE_MS);
  let text = "";
  child.stderr?.on("data", (part) => {
    text = (text + String(part)).slice(-10_000);
    // Behind the port comes something: it may be cut between two parts.
    const found = /Running on (http:\/\/[\d.]+:\d+)\D/.exec(text)?.[1];
    if (found !== undefined) resolve(new URL(found));
  });
  child.stderr?.once("end", () => reject(new Error(`the service ended at once: ${text}`)));
  return promise.finally(() => clearTimeout(late));
}

async function stop(child: ChildProcess, folder: string, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill(signal);
    await once(child, "exit");
  }
  await rm(folder, { recursive: true, force: true });
}
