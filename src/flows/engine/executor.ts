import { GyreError } from "../../errors.ts";
import type { AnyFlow } from "../flow.ts";
import { Batch } from "./batch.ts";
import type { Bell } from "./bell.ts";
import { failureOf } from "./failure.ts";
import { type FlowGround, FlowRun } from "./flow-run.ts";
import { jsonText, MOST_OUTPUT, parse } from "./json.ts";
import { insertSteps, moveRun } from "./part-rows.ts";
import { insist, never } from "./patience.ts";
import { type BegunRun, beginRun, endRun, type Outcome } from "./run-rows.ts";

export type ExecutorOptions = Pick<FlowGround, "pool" | "closing" | "timeIn"> & {
  readonly bell: Bell;
  readonly flows: ReadonlyMap<string, AnyFlow>;
  onError(error: unknown): void;
};

interface Active {
  readonly execution: string;
  readonly run: FlowRun;
  readonly stop: AbortController;
}

const STEPS_AT_ONCE = 500;
/** A run's own progress is not written more often. */
const MOVE_MS = 300;

/** Executes the flows that DBOS hands to this process. */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #ground: FlowGround;
  readonly #active = new Map<string, Active>();

  constructor(options: ExecutorOptions) {
    this.#options = options;
    const { pool, bell, closing, timeIn } = options;
    this.#ground = {
      pool,
      closing,
      timeIn,
      steps: new Batch(STEPS_AT_ONCE, (steps) => insertSteps(pool, bell, steps)),
    };
  }

  /** Executions that are under way, by their runs. */
  get active(): ReadonlyMap<string, { readonly execution: string }> {
    return this.#active;
  }

  /** The run was cancelled. */
  stop(run: string): void {
    this.#active.get(run)?.stop.abort(new GyreError("Conflict", "The run was cancelled"));
  }

  /** The engine closes: no execution goes on, nor keeps the process. */
  giveUp(): void {
    for (const { run } of this.#active.values()) run.ring();
  }

  /** Runs a flow to its end, from where an earlier execution came. */
  async execute(id: string, execution: string): Promise<void> {
    const { pool, closing, bell } = this.#options;
    const begun = await insist(closing, () => beginRun(pool, id, execution));
    if (begun === undefined) return;
    const stop = new AbortController();
    const run = new FlowRun(this.#ground, {
      id,
      execution,
      flow: begun.flow,
      who: { subject: begun.subject, roles: begun.roles },
      stopped: stop.signal,
    });
    const active: Active = { execution, run, stop };
    this.#active.set(id, active);
    const mover = this.#mover(id);
    using _news = bell.hearRun(id, (news) => {
      if (news === undefined) run.renew();
      else if (news.kind === "ended") run.ring(news.parts);
      else if (news.kind !== "changed") run.ring();
      mover.ring();
    });
    try {
      const outcome = await this.#outcome(run, begun);
      if (closing.aborted) await never();
      if (!stop.signal.aborted) await insist(closing, () => endRun(pool, id, execution, outcome));
    } finally {
      mover.stop();
      if (this.#active.get(id) === active) this.#active.delete(id);
    }
  }

  async #outcome(run: FlowRun, { flow: name, input, isFirst }: BegunRun): Promise<Outcome> {
    try {
      const flow = this.#options.flows.get(name);
      if (flow === undefined) throw new GyreError("Unsupported", `This node has no flow ${name}`, { subject: name });
      if (!isFirst) await run.load();
      const output = await flow.run(parse(flow.input, input, `Input of ${name}`), run);
      parse(flow.output, output, `Output of ${name}`);
      return { state: "succeeded", output: jsonText(output, MOST_OUTPUT, `Output of ${name}`) };
    } catch (error) {
      return { state: "failed", error: failureOf(error) };
    }
  }

  /** Moves the run's progress when its parts moved, now and then. */
  #mover(id: string): { ring(): void; stop(): void } {
    const { pool, closing, onError } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    let isStopped = false;
    return {
      ring() {
        if (isStopped) return;
        timer ??= setTimeout(() => {
          timer = undefined;
          // An execution that is given up does not end.
          if (!closing.aborted) moveRun(pool, id).catch(onError);
        }, MOVE_MS);
      },
      stop() {
        isStopped = true;
        clearTimeout(timer);
      },
    };
  }
}
