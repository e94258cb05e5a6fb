import type { Call } from "../../core/principal.ts";
import { NOTICE_TOPICS } from "../../core/topic.ts";
import { GyreError, isGyreError } from "../../errors.ts";
import { type Clock, pause } from "../../log/clock.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { Wake } from "../../log/wake.ts";
import { checkAddress, type Reachable } from "./addresses.ts";
import type { Filling } from "./filling.ts";
import type { SubscriptionStore } from "./store.ts";
import { noticeId, type Subscription, type Target, type Waiting } from "./subscription.ts";
import { sendNotice, type Webhook } from "./webhook.ts";

export interface CourierOptions {
  readonly store: SubscriptionStore;
  readonly filling: Filling;
  /** Where topics are. */
  readonly log: EventLog;
  readonly reachable: Reachable;
  readonly clock: Clock;
  /** In vain, before a subscription is paused. */
  readonly mostAttempts: number;
  readonly timeoutMs: number;
  readonly onError: (error: unknown) => void;
}

const GROUP = 50;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 300_000;
/** After trouble with this node's own database or log. */
const RETRY_MS = 2000;

/**
 * Works for one subscription: fills it from the past and sends what waits, each at its own pace, so that nobody waits for
 * a slow target but the subscription itself. A notice is sent until it has arrived, and those behind it come after it.
 */
export class Courier {
  readonly #id: string;
  readonly #options: CourierOptions;
  readonly #wake: Wake;
  readonly #stop: AbortSignal;

  constructor(id: string, options: CourierOptions, wake: Wake, stop: AbortSignal) {
    this.#id = id;
    this.#options = options;
    this.#wake = wake;
    this.#stop = stop;
  }

  /** Ends when the subscription is gone, or with the signal. */
  async run(call: Call): Promise<void> {
    await Promise.all([this.#repeat(() => this.#fill(call)), this.#repeat(() => this.#deliver(call))]);
  }

  /** Works until there is nothing to do (`idle`), then waits for news. */
  async #repeat(work: () => Promise<"more" | "idle" | "gone">): Promise<void> {
    while (!this.#stop.aborted) {
      const { version } = this.#wake;
      try {
        const state = await work();
        if (state === "gone") return;
        if (state === "idle") await this.#wake.after(version, this.#stop);
      } catch (error) {
        if (this.#stop.aborted) return;
        this.#options.onError(error);
        await pause(this.#options.clock, RETRY_MS, this.#stop);
      }
    }
  }

  async #fill(call: Call): Promise<"more" | "idle" | "gone"> {
    const filled = await this.#options.filling.step(this.#id, call).catch((error: unknown) => this.#refused(error));
    if (filled === "full" || filled === "live") return "idle";
    if (filled !== "later") return filled;
    await pause(this.#options.clock, RETRY_MS, this.#stop);
    return "more";
  }

  /** A search that was accepted by another version of Gyre may not be understood by this one. */
  async #refused(error: unknown): Promise<"full"> {
    if (!isGyreError(error) || error.tag === "Busy") throw error;
    await this.#options.store.failed(this.#id, error.message, 1);
    return "full";
  }

  async #deliver(call: Call): Promise<"more" | "idle" | "gone"> {
    const { store } = this.#options;
    const subscription = await store.get(this.#id);
    if (subscription === undefined) return "gone";
    const { target, paused, delivered } = subscription;
    // Whoever listens fetches.
    if (paused || target.type === "sse") return "idle";
    const waiting = await store.waiting(this.#id, delivered, GROUP, { signal: this.#stop });
    if (waiting.length === 0) return "idle";
    try {
      if (target.type === "topic") await this.#append(target, waiting, call);
      else await this.#post({ url: target.url, secret: store.secretOf(subscription) }, waiting);
    } catch (error) {
      await this.#failed(subscription, error);
    }
    return "more";
  }

  /** All at once: the log knows by their ids which it has. */
  async #append({ name }: Extract<Target, { type: "topic" }>, waiting: readonly Waiting[], call: Call): Promise<void> {
    const messages = waiting.map(({ event_id, body }) => ({
      id: noticeId(event_id, this.#id),
      topic: `${NOTICE_TOPICS}${name}`,
      key: this.#id,
      value: Buffer.from(body),
    }));
    await this.#options.log.append(messages, call);
    await this.#options.store.arrived(this.#id, waiting.at(-1)?.sequence ?? 0);
  }

  async #post(target: Webhook, waiting: readonly Waiting[]): Promise<void> {
    const { store, reachable, timeoutMs } = this.#options;
    // The configuration may be another than when the subscription was made.
    checkAddress(target.url, reachable);
    for (const notice of waiting) {
      await sendNotice(this.#id, target, notice, { isPrivate: reachable.isPrivate, timeoutMs, signal: this.#stop });
      await store.arrived(this.#id, notice.sequence);
    }
  }

  async #failed({ id }: Subscription, error: unknown): Promise<void> {
    if (this.#stop.aborted) return;
    if (!isGyreError(error)) throw error;
    const { store, mostAttempts, clock } = this.#options;
    const isFinal = isGyreError(error, "Gone", "BadRequest");
    const attempts = await store.failed(id, error.message, isFinal ? 1 : mostAttempts);
    if (isFinal || attempts >= mostAttempts) return;
    await pause(clock, Math.min(FIRST_PAUSE_MS * 2 ** (attempts - 1), LONGEST_PAUSE_MS), this.#stop);
  }
}

/** The name of a topic below `notices.`. Throws BadRequest. */
export function checkTopic(name: string): void {
  if (/^[A-Za-z0-9._-]{1,200}$/.test(name)) return;
  throw new GyreError("BadRequest", "target.name has 1 to 200 of A-Z a-z 0-9 . _ -", { subject: "target.name" });
}
