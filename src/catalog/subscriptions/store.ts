import { randomUUID } from "node:crypto";
import type { Call, Principal } from "../../core/principal.ts";
import type { Json } from "../../core/stac.ts";
import type { Pool } from "../../db/database.ts";
import { GyreError, isGyreError } from "../../errors.ts";
import type { Positions } from "../compare/sources.ts";
import type { Keyring } from "./keyring.ts";
import { tellOf } from "./recording.ts";
import {
  COLUMNS,
  KEPT,
  type KeptTarget,
  MOST_SUBSCRIPTIONS,
  type Subscription,
  type Target,
  type Waiting,
} from "./subscription.ts";

/** What a client asks for. `since`: from where on the past is told; undefined: nothing of it. */
export interface Wanted {
  readonly search: Json;
  readonly target: Target;
  readonly since: Positions | undefined;
}

/** Subscriptions and notices in the tables of `sql/node`. */
export class SubscriptionStore {
  readonly #pool: Pool;
  readonly #keys: Keyring;

  constructor(pool: Pool, keys: Keyring) {
    this.#pool = pool;
    this.#keys = keys;
  }

  /**
   * Seals the secrets that earlier versions of Gyre kept as they are, and those that older keys have sealed. Answers the
   * ids of the subscriptions whose secrets cannot be opened.
   */
  async sealAll(): Promise<readonly string[]> {
    return this.#pool.transaction(async (tx) => {
      const rows = await tx.query<Pick<Subscription, "id" | "target">>(
        "select id, target from subscription where target ? 'secret' and target #>> '{secret,key}' is distinct from $1 " +
          "order by id for update",
        [this.#keys.current],
      );
      const lost: string[] = [];
      for (const row of rows) {
        try {
          const secret = this.secretOf(row);
          if (secret === undefined) continue;
          const sealed = JSON.stringify(this.#keys.seal(secret, row.id));
          await tx.query("update subscription set target = jsonb_set(target, '{secret}', $2) where id = $1", [
            row.id,
            sealed,
          ]);
        } catch (error) {
          if (!isGyreError(error, "Denied")) throw error;
          lost.push(row.id);
        }
      }
      return lost;
    });
  }

  /** What signs the notices of a webhook. Throws Denied where it cannot be opened. */
  secretOf({ id, target }: Pick<Subscription, "id" | "target">): string | undefined {
    if (target.type !== "webhook" || target.secret === undefined) return undefined;
    return typeof target.secret === "string" ? target.secret : this.#keys.open(target.secret, id);
  }

  async create({ search, target, since }: Wanted, { who }: Call): Promise<Subscription> {
    return this.#pool.transaction(async (tx) => {
      await tx.query("lock table subscription in share row exclusive mode");
      const id = randomUUID().replaceAll("-", "");
      const [row] = await tx.query<Subscription>(
        `insert into subscription (id, search, target, who, read, since)
          select $1, $2, $3, $4, case when $5::jsonb is not null then '{}'::jsonb end, $5
          where (select count(*) from subscription) < $6 returning ${COLUMNS}`,
        [
          ...[id, JSON.stringify(search), JSON.stringify(this.#kept(target, id)), JSON.stringify(who)],
          ...[since === undefined ? null : JSON.stringify(since), MOST_SUBSCRIPTIONS],
        ],
      );
      if (row === undefined) {
        throw new GyreError("Busy", `this node has ${MOST_SUBSCRIPTIONS} subscriptions already`, { retryAfter: 3600 });
      }
      await tellOf(tx, id);
      return row;
    });
  }

  #kept(target: Target, id: string): KeptTarget {
    if (target.type !== "webhook" || target.secret === undefined) return target;
    return { ...target, secret: this.#keys.seal(target.secret, id) };
  }

  /** All of one subject, oldest first. */
  list({ who, signal }: Call): Promise<readonly Subscription[]> {
    return this.#pool.query<Subscription>(
      `select ${COLUMNS} from subscription where who ->> 'subject' = $1 order by created, id`,
      [who.subject],
      signal === undefined ? {} : { signal },
    );
  }

  async get(id: string, who?: Principal): Promise<Subscription | undefined> {
    const [row] = await this.#pool.query<Subscription>(
      `select ${COLUMNS} from subscription where id = $1 and ($2::text is null or who ->> 'subject' = $2)`,
      [id, who?.subject ?? null],
    );
    return row;
  }

  async ids(): Promise<readonly string[]> {
    return (await this.#pool.query<{ id: string }>("select id from subscription order by id")).map(({ id }) => id);
  }

  /** False: there was none. */
  async remove(id: string, who: Principal): Promise<boolean> {
    return this.#pool.transaction(async (tx) => {
      const rows = await tx.query("delete from subscription where id = $1 and who ->> 'subject' = $2 returning 1", [
        id,
        who.subject,
      ]);
      await tellOf(tx, id);
      return rows.length > 0;
    });
  }

  /** Sends again what could not be sent. */
  async resume(id: string, who: Principal): Promise<Subscription | undefined> {
    return this.#pool.transaction(async (tx) => {
      const [row] = await tx.query<Subscription>(
        `update subscription set paused = false, attempts = 0, error = null
          where id = $1 and who ->> 'subject' = $2 returning ${COLUMNS}`,
        [id, who.subject],
      );
      await tellOf(tx, id);
      return row;
    });
  }

  waiting(id: string, after: number, most: number, call: Partial<Call> = {}): Promise<readonly Waiting[]> {
    return this.#pool.query<Waiting>(
      "select sequence, event_id, body from notice where subscription = $1 and sequence > $2 order by sequence limit $3",
      [id, after, most],
      call,
    );
  }

  /**
   * Everything up to this notice arrived; of what arrived some is kept. Not waited for until it is on disk: what is lost
   * of it comes again under its id.
   */
  async arrived(id: string, sequence: number): Promise<void> {
    const [row] = await this.#pool.query<{ filling: boolean }>(
      `with quickly as materialized (select set_config('synchronous_commit', 'off', true)),
          moved as (
            update subscription set delivered = $2, attempts = 0, error = null from quickly
            where id = $1 and delivered < $2 returning read is not null as filling
          ),
          gone as (delete from notice where subscription = $1 and sequence <= $3)
        select filling from moved`,
      [id, sequence, sequence - KEPT],
    );
    if (row?.filling === true) await tellOf(this.#pool, id);
  }

  /** Answers how often it was tried. */
  async failed(id: string, error: string, mostAttempts: number): Promise<number> {
    const [row] = await this.#pool.query<{ attempts: number }>(
      `update subscription set attempts = attempts + 1, error = $2, paused = paused or attempts + 1 >= $3
        where id = $1 returning attempts`,
      [id, error.slice(0, 500), mostAttempts],
    );
    return row?.attempts ?? mostAttempts;
  }
}
