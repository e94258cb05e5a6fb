import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startNginx, startS3 } from "../test/services/services.ts";

// `node scripts/services.ts install`: what the full test suite wants besides Node and the npm registry.
// `node scripts/services.ts`: runs it until Ctrl-C, for trying things by hand.
const PEERS = fileURLToPath(new URL("../.peers/", import.meta.url));

function run(program: string, ...args: readonly string[]): void {
  console.log(`$ ${program} ${args.join(" ")}`);
  execFileSync(program, args, { stdio: "inherit" });
}

function install(): void {
  const moto = join(PEERS, "moto");
  if (!existsSync(join(moto, "bin", "moto_server"))) {
    run("python3", "-m", "venv", moto);
    run(join(moto, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "moto[server]==5.2.5");
  }
  if (existsSync("/usr/sbin/nginx")) return;
  if (process.getuid?.() === 0) run("apt-get", "install", "--yes", "--no-install-recommends", "nginx-light");
  else console.log("nginx is missing, and only root can install it: apt-get install nginx-light");
}

async function serve(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gyre-files-"));
  const [nginx, s3] = [await startNginx(`location / { root ${folder}; autoindex on; }`), await startS3("gyre")];
  console.log(nginx.unavailable ?? `nginx ${nginx.url} serves ${folder}`);
  console.log(s3.unavailable ?? `S3 ${s3.url} ${JSON.stringify(s3.credentials)}`);
  process.once("SIGINT", async () => {
    for (const service of [nginx, s3]) if (service.unavailable === undefined) await service.stop();
    rmSync(folder, { recursive: true });
  });
}

if (process.argv[2] === "install") install();
else await serve();
