import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findProgram, freePort, missing } from "./services.ts";

/** Brokers with two listeners each: one open, one that wants TLS and a password. */
export interface KafkaService {
  readonly unavailable?: undefined;
  readonly brokers: readonly string[];
  readonly secure: SecureListener;
  /** SIGKILL, and gone when this answers. The first broker is the controller too. */
  kill(broker?: number): Promise<void>;
  /** The same broker with what it had kept, on the same ports. */
  restart(broker?: number): Promise<void>;
  /** Runs one of Kafka's own tools, with what it reads on its standard input, and answers what it wrote. */
  tool(name: string, options: readonly string[], input?: Uint8Array): Promise<string>;
  stop(): Promise<void>;
}

export interface SecureListener {
  readonly brokers: readonly string[];
  /** The certificate to trust, as PEM. */
  readonly ca: string;
  readonly username: string;
  readonly password: string;
}

export type StartedKafka = KafkaService | { readonly unavailable: string };

const JARS = fileURLToPath(new URL("../../.peers/kafka/", import.meta.url));
const PATIENCE_MS = 600_000;
const CREDENTIALS = { username: "gyre", password: "open-sesame" } as const;
/** A broker of a test lives for seconds: it starts faster when little is compiled, and 2 cores are shared. */
const JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"] as const;

interface Node {
  readonly id: number;
  readonly folder: string;
  readonly port: number;
  readonly securePort: number;
}

/** Apache Kafka (KRaft), a process for each broker, below a folder of its own. New topics lie on all brokers. */
export async function startKafka({ brokers = 1 }: { readonly brokers?: number } = {}): Promise<StartedKafka> {
  if (!existsSync(join(JARS, "complete"))) return missing("Kafka is not installed (node scripts/services.ts install)");
  const java = findProgram("java", []);
  if (java === undefined) return missing("Kafka wants Java 17, and there is none");
  const folder = await mkdtemp(join(tmpdir(), "gyre-kafka-"));
  const ca = await makeCertificate(folder);
  const controllerPort = await freePort();
  const nodes: Node[] = [];
  for (let id = 1; id <= brokers; id++) {
    nodes.push({ id, folder: join(folder, String(id)), port: await freePort(), securePort: await freePort() });
  }

  const argumentsOf = (main: string, options: readonly string[]): string[] => {
    return [...JVM, "-Xmx320m", "-cp", `${JARS}*`, main, ...options];
  };
  const run = promisify(execFile);
  const { username, password } = CREDENTIALS;
  const scram = ["--add-scram", `SCRAM-SHA-256=[name=${username},password=${password}]`];
  const format = async (node: Node): Promise<void> => {
    await mkdir(node.folder);
    const config = join(node.folder, "server.properties");
    await writeFile(config, properties(node, controllerPort, brokers, join(folder, "key.p12")));
    const options = ["format", "--cluster-id", "Z3lyZS10ZXN0LWNsdXN0ZQ", "--config", config, ...scram];
    await run(java, argumentsOf("kafka.tools.StorageTool", options));
  };
  // A broker does not outlive its test, even if that is killed.
  const setpriv = findProgram("setpriv", []);
  const [program, ...before] = setpriv === undefined ? [java] : [setpriv, "--pdeathsig", "KILL", java];
  const start = async (node: Node): Promise<ChildProcess> => {
    const log = await open(join(node.folder, "broker.log"), "a");
    const command = [...before, ...argumentsOf("kafka.Kafka", [join(node.folder, "server.properties")])];
    const child = spawn(program as string, command, { stdio: ["ignore", log.fd, log.fd], cwd: node.folder });
    await log.close();
    await answering(child, node);
    return child;
  };
  await Promise.all(nodes.map(format));
  const children = await Promise.all(nodes.map(start));
  const kill = async (broker = 0): Promise<void> => {
    const child = children[broker] as ChildProcess;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  return {
    brokers: nodes.map(({ port }) => `127.0.0.1:${port}`),
    secure: { brokers: nodes.map(({ securePort }) => `127.0.0.1:${securePort}`), ca, ...CREDENTIALS },
    kill,
    restart: async (broker = 0) => {
      await kill(broker);
      children[broker] = await start(nodes[broker] as Node);
    },
    tool: async (name, options, input) => {
      const running = run(java, argumentsOf(name, options), { timeout: PATIENCE_MS });
      running.child.stdin?.end(input);
      return (await running).stdout;
    },
    stop: async () => {
      await Promise.all(nodes.map((_, broker) => kill(broker)));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Topics are made by whoever needs them, as on most real clusters. A broker that was killed is let in again only when
 * its old session has ended; one that is shorter ends on a busy machine before the broker is let in at all.
 */
function properties(node: Node, controllerPort: number, brokers: number, keyStore: string): string {
  const isController = node.id === 1;
  const listeners = `OPEN://127.0.0.1:${node.port},SECURE://127.0.0.1:${node.securePort}`;
  const { username, password } = CREDENTIALS;
  const login = "org.apache.kafka.common.security";
  return `
process.roles=${isController ? "broker,controller" : "broker"}
node.id=${node.id}
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=${isController ? `${listeners},CONTROLLER://127.0.0.1:${controllerPort}` : listeners}
advertised.listeners=${listeners}
listener.security.protocol.map=OPEN:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=OPEN
controller.listener.names=CONTROLLER
log.dirs=${join(node.folder, "data")}
auto.create.topics.enable=false
default.replication.factor=${brokers}
offsets.topic.num.partitions=1
offsets.topic.replication.factor=${brokers}
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.enable=false
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=4
listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.secure.plain.sasl.jaas.config=${login}.plain.PlainLoginModule required user_${username}="${password}";
listener.name.secure.scram-sha-256.sasl.jaas.config=${login}.scram.ScramLoginModule required;
listener.name.secure.ssl.keystore.location=${keyStore}
listener.name.secure.ssl.keystore.type=PKCS12
listener.name.secure.ssl.keystore.password=${password}
listener.name.secure.ssl.key.password=${password}
`;
}

/** A key and its certificate, signed by itself; answers the certificate as PEM. */
async function makeCertificate(folder: string): Promise<string> {
  const store = ["-keystore", join(folder, "key.p12"), "-storepass", CREDENTIALS.password, "-alias", "broker"];
  const name = ["-dname", "CN=localhost", "-ext", "SAN=ip:127.0.0.1,dns:localhost"];
  const run = promisify(execFile);
  await run("keytool", [
    "-genkeypair",
    "-keyalg",
    "EC",
    "-groupname",
    "secp256r1",
    "-validity",
    "30",
    ...name,
    ...store,
  ]);
  return (await run("keytool", ["-exportcert", "-rfc", ...store])).stdout;
}

/** Waits until the broker answers which calls it knows (ApiVersions, version 0). */
async function answering(child: ChildProcess, { port, folder }: Node): Promise<void> {
  // Size, key of the call, its version, correlation, no client id.
  const question = Buffer.from("0000000a" + "0012" + "0000" + "00000007" + "ffff", "hex");
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(50)) {
    const told = async (): Promise<string> => readFile(join(folder, "broker.log"), "utf8");
    assert.equal(child.exitCode, null, `Kafka ended at once: ${await told()}`);
    assert.ok(Date.now() < end, `Kafka does not answer: ${await told()}`);
    const socket = connect(port, "127.0.0.1");
    const answer = await new Promise<Buffer | undefined>((resolve) => {
      socket.once("connect", () => socket.write(question));
      socket.once("data", resolve);
      socket.once("error", () => resolve(undefined));
      socket.once("close", () => resolve(undefined));
    });
    socket.destroy();
    // After size and correlation comes the error: none.
    if (answer !== undefined && answer.length >= 10 && answer.readInt16BE(8) === 0) return;
  }
}
