import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Json } from "../../core/array.ts";
import type { Call } from "../../core/principal.ts";
import type { Pool } from "../../db/database.ts";
import { GyreError } from "../../errors.ts";
import { Wake } from "../../log/wake.ts";
import type { AnyFlow, Estimate, Flow, Settled } from "../flow.ts";
import type { Run, RunDetail, RunFilter, Runs, Started, StartOptions, Worker } from "../runs.ts";
import type { Bell } from "./bell.ts";
import { jsonText, MOST_INPUT, parse } from "./json.ts";
import { LIVE_WORKERS } from "./lease.ts";
import { checkRunId } from "./names.ts";
import { listRuns, readEnd, readRun } from "./read.ts";
import { retryRun } from "./retry.ts";
import { insertRun, stopRuns } from "./run-rows.ts";

/** Between two looks at a run that is watched, however much it does. */
const BREATH_MS = 100;
/** News come by NOTIFY; this is for those that do not. */
const SAFETY_MS = 5_000;
const CONFLICTS = { retries: 5 };

/** Runs as all processes of a database see them; those that execute nothing too. */
export class EngineRuns implements Runs {
  readonly flows: ReadonlyMap<string, AnyFlow>;
  readonly #pool: Pool;
  readonly #bell: Bell;

  constructor(pool: Pool, bell: Bell, flows: ReadonlyMap<string, AnyFlow>) {
    this.flows = flows;
    this.#pool = pool;
    this.#bell = bell;
  }

  async start<In, Out>(flow: Flow<In, Out>, input: In, call: Call, options: StartOptions = {}): Promise<Started> {
    const { id = randomUUID() } = options;
    checkRunId(id);
    parse(flow.input, input, `Input of ${flow.name}`);
    const json = jsonText(input, MOST_INPUT, `Input of ${flow.name}`);
    const run = { id, flow: flow.name, who: call.who, input: json };
    const isNew = await insertRun(this.#pool, this.#pool.schema, run);
    return { id, isNew };
  }

  async estimate<In, Out>(flow: Flow<In, Out>, input: In, call: Call): Promise<Estimate> {
    return (await flow.estimate?.(parse(flow.input, input, `Input of ${flow.name}`), call)) ?? {};
  }

  get(id: string, _call: Call): Promise<RunDetail | undefined> {
    return readRun(this.#pool, id);
  }

  list(filter: RunFilter, _call: Call): Promise<{ readonly runs: readonly Run[]; readonly next?: string }> {
    return listRuns(this.#pool, filter);
  }

  async settled(id: string, { signal }: Call): Promise<Settled<Json> | undefined> {
    const news = new Wake();
    using _hearing = this.#bell.hearRun(id, () => news.ring());
    for (;;) {
      const { version } = news;
      const end = await readEnd(this.#pool, id);
      if (end !== undefined) return end ?? undefined;
      await news.after(version, signal, SAFETY_MS);
      signal?.throwIfAborted();
    }
  }

  async watch(id: string, call: Call): Promise<AsyncIterable<RunDetail> | undefined> {
    return (await readEnd(this.#pool, id)) === null ? undefined : this.#watch(id, call);
  }

  async *#watch(id: string, { signal }: Call): AsyncGenerator<RunDetail> {
    const news = new Wake();
    using _hearing = this.#bell.hearRun(id, () => news.ring());
    let last = "";
    for (;;) {
      const { version } = news;
      const run = await readRun(this.#pool, id);
      if (run === undefined) return;
      const seen = JSON.stringify(run);
      if (seen !== last) yield run;
      last = seen;
      if (run.ended !== undefined) return;
      await delay(BREATH_MS, undefined, { signal });
      await news.after(version, signal, SAFETY_MS);
      signal?.throwIfAborted();
    }
  }

  async cancel(id: string, _call: Call): Promise<void> {
    const { schema } = this.#pool;
    const isDone = await this.#pool.transaction((tx) => stopRuns(tx, schema, [id]), CONFLICTS);
    if (!isDone) await this.#refuse(id, "has ended");
  }

  async retry(id: string, _call: Call): Promise<void> {
    const { schema } = this.#pool;
    const isDone = await this.#pool.transaction((tx) => retryRun(tx, schema, id), CONFLICTS);
    if (!isDone) await this.#refuse(id, "has neither failed nor been cancelled");
  }

  async delete(id: string, _call: Call): Promise<void> {
    const gone = await this.#pool.transaction(async (tx) => {
      const rows = await tx.query(
        `with recursive tree as (
           select id from flow_run r where id = $1 and ended is not null and not exists (
             select from flow_part p join flow_run other on other.id = p.run and other.ended is null where p.child = r.id)
           union
           select c.id from tree join flow_run c on c.parent = tree.id and c.ended is not null
           where not exists (select from flow_part p where p.child = c.id and p.run <> tree.id))
         delete from flow_run where id in (select id from tree) returning id`,
        [id],
      );
      return rows.length > 0;
    }, CONFLICTS);
    if (!gone) await this.#refuse(id, "goes on, or a run that does is made of it");
  }

  workers(_call: Call): Promise<readonly Worker[]> {
    return this.#pool.query<Worker>(LIVE_WORKERS);
  }

  async #refuse(id: string, why: string): Promise<never> {
    const isThere = (await readEnd(this.#pool, id)) !== null;
    if (isThere) throw new GyreError("Conflict", `The run ${id} ${why}`, { subject: id });
    throw new GyreError("NotFound", `There is no run ${id}`, { subject: id });
  }
}
