import type { Call } from "../../core/principal.ts";
import type { Json } from "../../core/stac.ts";
import type { Pool } from "../../db/database.ts";
import { GyreError } from "../../errors.ts";
import { type Clock, systemClock } from "../../log/clock.ts";
import type { EventLog, Position } from "../../log/event-log.ts";
import { Wake } from "../../log/wake.ts";
import type { Positions, Source } from "../compare/sources.ts";
import { conditionsOf } from "../search/where.ts";
import { checkAddress, type Reachable } from "./addresses.ts";
import { Courier, checkTopic } from "./courier.ts";
import { Filling } from "./filling.ts";
import type { Keyring } from "./keyring.ts";
import type { ParseSearch } from "./recording.ts";
import { SubscriptionStore } from "./store.ts";
import { channelOf, KEPT, type Subscription, type Target, type Waiting } from "./subscription.ts";

export interface SubscriptionsOptions {
  readonly pool: Pool;
  /** What the catalogue is made of; its projections are wrapped `withNotices`. */
  readonly sources: readonly Source[];
  /** Where topics are. */
  readonly log: EventLog;
  readonly parse: ParseSearch;
  readonly reachable: Reachable;
  /** Of the secrets of webhooks. */
  readonly keys: Keyring;
  readonly onError: (error: unknown) => void;
  /** In vain, before a subscription is paused; 12 are some twenty minutes. */
  readonly mostAttempts?: number;
  readonly timeoutMs?: number;
  readonly clock?: Clock;
}

/** What a client asks for. */
export interface SubscriptionRequest {
  readonly search: Json;
  readonly target: Target;
  readonly from: "now" | "beginning" | Position;
}

/** Searches that go on. Each is seen and changed by its subject alone. */
export interface Subscriptions {
  /** Throws BadRequest for what no search, target or position is, Busy where there are too many. */
  create(request: SubscriptionRequest, call: Call): Promise<Subscription>;
  list(call: Call): Promise<readonly Subscription[]>;
  get(id: string, call: Call): Promise<Subscription | undefined>;
  remove(id: string, call: Call): Promise<boolean>;
  resume(id: string, call: Call): Promise<Subscription | undefined>;
  /**
   * Notices behind a sequence number, or those that nobody got yet, and what comes, until the call is aborted. Throws
   * NotFound, and Gone where they are not kept any more.
   */
  stream(id: string, after: number | undefined, call: Call): Promise<AsyncIterable<readonly Waiting[]>>;
  close(): Promise<void>;
}

const GROUP = 100;

/** Starts to work for all subscriptions of a node. */
export async function startSubscriptions(options: SubscriptionsOptions): Promise<Subscriptions> {
  const running = new Running(options);
  await running.start();
  return running;
}

class Running implements Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #store: SubscriptionStore;
  readonly #filling: Filling;
  readonly #couriers = new Map<string, { readonly wake: Wake; readonly done: Promise<void> }>();
  readonly #stop = new AbortController();
  #listening: AsyncDisposable | undefined;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
    this.#store = new SubscriptionStore(options.pool, options.keys);
    this.#filling = new Filling(options.pool, options.sources, options.parse);
  }

  async start(): Promise<void> {
    const { pool, onError } = this.#options;
    const lost = await this.#store.sealAll();
    if (lost.length > 0) {
      const which = `of ${lost.length === 1 ? "one subscription" : `${lost.length} subscriptions`} (${lost.join(", ")})`;
      onError(
        new GyreError("Denied", `the secrets ${which} are sealed with keys that this node has not: see secretKeys`),
      );
    }
    const all = (): Promise<void> => this.#wakeAll().catch(onError);
    this.#listening = await pool.listen(
      channelOf(pool.schema),
      (id) => this.#wake(id),
      () => void all(),
    );
    await this.#wakeAll();
  }

  async create({ search, target, from }: SubscriptionRequest, call: Call): Promise<Subscription> {
    conditionsOf(this.#options.parse(search), call.who);
    if (target.type === "webhook") checkAddress(target.url, this.#options.reachable);
    if (target.type === "topic") checkTopic(target.name);
    return this.#store.create({ search, target, since: this.#since(from) }, call);
  }

  list(call: Call): Promise<readonly Subscription[]> {
    return this.#store.list(call);
  }

  get(id: string, { who }: Call): Promise<Subscription | undefined> {
    return this.#store.get(id, who);
  }

  remove(id: string, { who }: Call): Promise<boolean> {
    return this.#store.remove(id, who);
  }

  resume(id: string, { who }: Call): Promise<Subscription | undefined> {
    return this.#store.resume(id, who);
  }

  async stream(id: string, after: number | undefined, call: Call): Promise<AsyncIterable<readonly Waiting[]>> {
    const subscription = await this.#store.get(id, call.who);
    if (subscription === undefined) throw new GyreError("NotFound", `there is no subscription ${id}`, { subject: id });
    const start = after ?? subscription.delivered;
    if (start < subscription.delivered - KEPT) {
      throw new GyreError("Gone", `of the notices that arrived ${KEPT} are kept: begin behind a later one`);
    }
    // It may be so new that nobody works for it yet.
    this.#wake(id);
    return this.#stream(subscription, start, call);
  }

  async *#stream({ id, target }: Subscription, start: number, { signal }: Call): AsyncGenerator<readonly Waiting[]> {
    const stop = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    let at = start;
    for (;;) {
      const wake = this.#couriers.get(id)?.wake;
      if (wake === undefined || stop.aborted) return;
      const { version } = wake;
      const waiting = await this.#store.waiting(id, at, GROUP);
      if (waiting.length === 0) {
        await wake.after(version, stop);
        continue;
      }
      yield waiting;
      at = waiting.at(-1)?.sequence ?? at;
      // It is asked for more: these are through.
      if (target.type === "sse") await this.#store.arrived(id, at);
    }
  }

  async close(): Promise<void> {
    await this.#listening?.[Symbol.asyncDispose]();
    this.#stop.abort();
    await Promise.all([...this.#couriers.values()].map(({ done }) => done));
  }

  #since(from: SubscriptionRequest["from"]): Positions | undefined {
    if (from === "now") return undefined;
    if (from === "beginning") return {};
    const [source, ...others] = this.#options.sources;
    if (source !== undefined && others.length === 0) return { [source.consumer]: from };
    const detail = "this catalogue is made of several logs: a position in one says nothing of the others";
    throw new GyreError("BadRequest", detail, { subject: "from", allowed: ["now", "beginning"] });
  }

  async #wakeAll(): Promise<void> {
    for (const id of await this.#store.ids()) this.#wake(id);
  }

  #wake(id: string): void {
    if (this.#stop.signal.aborted) return;
    const known = this.#couriers.get(id);
    if (known !== undefined) {
      known.wake.ring();
      return;
    }
    const { log, reachable, clock = systemClock, mostAttempts = 12, timeoutMs = 10_000, onError } = this.#options;
    const wake = new Wake();
    const common = { store: this.#store, filling: this.#filling, log, reachable, clock };
    const courier = new Courier(id, { ...common, mostAttempts, timeoutMs, onError }, wake, this.#stop.signal);
    // Without a principal of its own: what it may see was said when the subscription was made.
    const done = courier
      .run({ who: { subject: "gyre", roles: [] }, signal: this.#stop.signal })
      .catch(onError)
      .finally(() => {
        this.#couriers.delete(id);
        wake.ring();
      });
    this.#couriers.set(id, { wake, done });
  }
}
