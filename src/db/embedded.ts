import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { GyreError, isGyreError } from "../errors.ts";
import { findBinaries } from "./binaries.ts";
import { createCluster, readPassword, USER } from "./cluster.ts";
import { isPassing, sqlState } from "./failure.ts";
import { isHeld, type Postmaster, readPostmaster } from "./pid-file.ts";
import { findPlace, type Place } from "./place.ts";
import { LOCK_SPACE } from "./postgres.ts";
import { boundLog, type Launch, launch, logFile, stop } from "./postmaster.ts";
import { tryLockStart } from "./starter-lock.ts";

/** The private server of one data directory, to which this process is attached. */
export interface EmbeddedServer {
  /** What `connect` takes, besides a schema. */
  readonly address: EmbeddedAddress;
  /** Lets go of the server, and stops it when nobody else is attached. */
  close(): Promise<void>;
}

export interface EmbeddedAddress {
  /** The folder of its socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface EmbeddedOptions {
  /** Where the server's files lie; made when it is missing. */
  readonly folder: string;
  /** Told what a person should know: where files were placed, that the server was lost and is back. */
  readonly tell?: (message: string) => void;
}

const DATABASE = "postgres";
const POLL_MS = 10;
/** How long a server may stay away before its starter gives up. */
const PATIENCE_MS = 60_000;
const LONGEST_PAUSE_MS = 5_000;
const LOG_CHECK_MS = 3_600_000;
/** How a server ends that was killed, or met what is left of one that was. */
const LEFTOVER = /^killed$|lock file "[^"]*" (already exists|is empty)|pre-existing shared memory block/;

/** Starts the private PostgreSQL of a folder, or attaches to it where it runs. */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const tell = options.tell ?? (() => undefined);
  const place = await findPlace(options.folder, tell);
  let password = await readPassword(place);
  if (password === undefined) {
    await createCluster(await findBinaries(place, tell), place);
    password = (await readPassword(place)) ?? "";
  }
  const server = new Embedded(place, password, tell);
  try {
    await server.attach();
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}

class Embedded implements EmbeddedServer {
  readonly #place: Place;
  readonly #password: string;
  readonly #tell: (message: string) => void;
  readonly #closing = new AbortController();
  readonly #logCheck: NodeJS.Timeout;
  #address: EmbeddedAddress | undefined;
  /** The connection that holds the shared lock; a new one whenever the server was lost. */
  #attached: Promise<Client> | undefined;
  #closed: Promise<void> | undefined;

  constructor(place: Place, password: string, tell: (message: string) => void) {
    this.#place = place;
    this.#password = password;
    this.#tell = tell;
    this.#logCheck = setInterval(() => void boundLog(place).catch(() => undefined), LOG_CHECK_MS).unref();
  }

  get address(): EmbeddedAddress {
    if (this.#address === undefined) throw new Error("not attached");
    return this.#address;
  }

  attach(): Promise<Client> {
    this.#attached = this.#reach();
    return this.#attached;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#logCheck);
    const client = await this.#attached?.catch(() => undefined);
    if (client === undefined) return;
    try {
      await client.query("select pg_advisory_unlock_shared($1)", [LOCK_SPACE]);
      const { rows } = await client.query<{ alone: boolean }>("select pg_try_advisory_lock($1) as alone", [LOCK_SPACE]);
      const postmaster = await readPostmaster(this.#place);
      if (rows[0]?.alone !== true || postmaster === undefined) return;
      await stop(postmaster, this.#place);
      // Not until none runs: another process may wait to start the next one.
      while ((await readPostmaster(this.#place))?.pid === postmaster.pid && (await isHeld(this.#place)))
        await delay(POLL_MS);
    } catch (error) {
      // A server that is gone needs no stopping.
      if (sqlState(error) !== undefined && !isPassing(error)) throw error;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  /** Attaches; where no server runs, one of those who wait for it starts it. */
  async #reach(): Promise<Client> {
    const { signal } = this.#closing;
    for (let end = Date.now() + PATIENCE_MS; ; await delay(POLL_MS, undefined, { signal })) {
      let found = await this.#tryAttach();
      if (found === "absent") {
        using right = await tryLockStart(this.#place).catch((error) => {
          throw notStarted(this.#place, (error as Error).message);
        });
        if (right !== undefined) found = await this.#start(end);
      }
      if (found instanceof Client) return found;
      // One that recovers after a crash, or writes everything before it ends, takes the time that it needs.
      if (found === "not now") end = Date.now() + PATIENCE_MS;
      if (Date.now() > end)
        throw new GyreError("Busy", `The private PostgreSQL of ${this.#place.home} does not answer`);
    }
  }

  /** Starts the server unless it is there, and waits until it says something. */
  async #start(end: number): Promise<Client | "absent" | "not now"> {
    const { signal } = this.#closing;
    for (let started: Launch | undefined; ; await delay(POLL_MS, undefined, { signal })) {
      const found = await this.#tryAttach();
      if (found !== "absent" || Date.now() > end) return found;
      const failure = await started?.failure();
      if (failure !== undefined && !LEFTOVER.test(failure)) throw notStarted(this.#place, failure);
      if (failure !== undefined) started = undefined;
      if (started === undefined && !(await isHeld(this.#place))) started = await this.#launch();
    }
  }

  async #launch(): Promise<Launch> {
    try {
      return await launch(await findBinaries(this.#place, this.#tell), this.#place);
    } catch (error) {
      throw isGyreError(error) ? error : notStarted(this.#place, (error as Error).message);
    }
  }

  async #tryAttach(): Promise<Client | "absent" | "not now"> {
    const postmaster = await readPostmaster(this.#place);
    if (postmaster === undefined) return "absent";
    const client = new Client({ ...this.#addressOf(postmaster), application_name: "gyre attached" });
    client.on("error", () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ got: boolean }>("select pg_try_advisory_lock_shared($1) as got", [
        LOCK_SPACE,
      ]);
      if (rows[0]?.got === true) return this.#keep(client, postmaster);
    } catch (error) {
      if (sqlState(error) === undefined) return "absent";
      if (!isPassing(error)) throw error;
    }
    await client.end().catch(() => undefined);
    return "not now";
  }

  #keep(client: Client, postmaster: Postmaster): Client {
    this.#address = this.#addressOf(postmaster);
    client.once("end", () => {
      if (!this.#closing.signal.aborted) void this.#restore();
    });
    return client;
  }

  /** Goes on until the server is there again: nobody else may care for it. */
  async #restore(): Promise<void> {
    this.#tell(`The private PostgreSQL of ${this.#place.home} was lost, and is started again`);
    for (let pause = POLL_MS; !this.#closing.signal.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        await this.attach();
        return;
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        this.#tell((error as Error).message);
      }
      await delay(pause, undefined, { ref: false, signal: this.#closing.signal }).catch(() => undefined);
    }
  }

  #addressOf({ host, port }: Postmaster): EmbeddedAddress {
    return { host, port, user: USER, password: this.#password, database: DATABASE };
  }
}

function notStarted(place: Place, said: string): GyreError {
  const lines = said.split("\n").filter((line) => /FATAL|PANIC|ERROR|HINT|DETAIL|error while loading/.test(line));
  const why = (lines.length > 0 ? lines : said.trim().split("\n")).slice(-4).join(" ");
  return new GyreError(
    "BadSource",
    `The private PostgreSQL of ${place.home} does not start: ${why} (${logFile(place)})`,
    { source: place.home },
  );
}
