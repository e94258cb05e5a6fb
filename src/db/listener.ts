import { setTimeout as delay } from "node:timers/promises";
import { Client, type ClientConfig, escapeIdentifier } from "pg";
import { GyreError } from "../errors.ts";
import { busy } from "./failure.ts";

interface Hearer {
  readonly onPayload: (payload: string) => void;
  readonly onReconnect: () => void;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;
/** Longer names of channels are cut by LISTEN, and refused by NOTIFY. */
const LONGEST_CHANNEL = 63;

/** One connection on which a pool hears all its channels; made at the first of them, and again whenever it is lost. */
export class Listener {
  readonly #config: ClientConfig;
  readonly #server: string;
  readonly #channels = new Map<string, Set<Hearer>>();
  readonly #closing = new AbortController();
  #client: Promise<Client> | undefined;
  /** The one whose end is to be made good: not one that was lost before all was heard on it. */
  #heard: Client | undefined;

  constructor(config: ClientConfig, server: string) {
    this.#config = config;
    this.#server = server;
  }

  async listen(channel: string, onPayload: Hearer["onPayload"], onReconnect: () => void): Promise<AsyncDisposable> {
    if (channel === "" || Buffer.byteLength(channel) > LONGEST_CHANNEL)
      throw new GyreError("BadRequest", `A channel's name has 1 to ${LONGEST_CHANNEL} bytes`, { subject: channel });
    const hearer: Hearer = { onPayload, onReconnect };
    const hearers = this.#channels.get(channel) ?? new Set();
    this.#channels.set(channel, hearers.add(hearer));
    try {
      // Repeated for each hearer, since that of the first may still be under way; the server does not mind.
      await (await this.#connected()).query(`listen ${escapeIdentifier(channel)}`);
    } catch (error) {
      this.#forget(channel, hearer);
      throw busy(error, this.#server);
    }
    return { [Symbol.asyncDispose]: () => this.#unlisten(channel, hearer) };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#channels.clear();
    const client = await this.#client?.catch(() => undefined);
    await client?.end();
  }

  #connected(): Promise<Client> {
    this.#client ??= this.#connect().then(
      (client) => {
        this.#heard = client;
        return client;
      },
      (error: unknown) => {
        this.#client = undefined;
        throw error;
      },
    );
    return this.#client;
  }

  async #connect(): Promise<Client> {
    const client = new Client(this.#config);
    client.on("notification", ({ channel, payload }) => {
      for (const { onPayload } of this.#channels.get(channel) ?? []) onPayload(payload ?? "");
    });
    // Told by "end" as well, which is what is acted on.
    client.on("error", () => undefined);
    await client.connect();
    client.once("end", () => {
      if (this.#heard === client && !this.#closing.signal.aborted) void this.#reconnect();
    });
    return client;
  }

  async #reconnect(): Promise<void> {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      this.#client = this.#connect();
      try {
        const client = await this.#client;
        for (const channel of this.#channels.keys()) await client.query(`listen ${escapeIdentifier(channel)}`);
        this.#heard = client;
        break;
      } catch {
        const waited = await delay(pause, true, { ref: false, signal: this.#closing.signal }).catch(() => false);
        if (!waited) return;
      }
    }
    for (const { onReconnect } of [...this.#channels.values()].flatMap((hearers) => [...hearers])) onReconnect();
  }

  #forget(channel: string, hearer: Hearer): boolean {
    const hearers = this.#channels.get(channel);
    hearers?.delete(hearer);
    return hearers?.size === 0 && this.#channels.delete(channel);
  }

  async #unlisten(channel: string, hearer: Hearer): Promise<void> {
    if (!this.#forget(channel, hearer)) return;
    const client = await this.#client?.catch(() => undefined);
    // On a lost connection there is nothing left to end.
    await client?.query(`unlisten ${escapeIdentifier(channel)}`).catch(() => undefined);
  }
}
