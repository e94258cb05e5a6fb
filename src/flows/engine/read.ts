import type { Json } from "../../core/array.ts";
import type { Pool } from "../../db/database.ts";
import { GyreError } from "../../errors.ts";
import type { Entity, Failure, Progress, Settled } from "../flow.ts";
import type { Attempt, LogLine, Part, Run, RunDetail, RunFilter, RunState } from "../runs.ts";
import { settledOf } from "./part-rows.ts";

interface Moves {
  readonly percent: number | null;
  readonly doing: string | null;
  readonly bytes: number | null;
  readonly totalBytes: number | null;
}

interface RunRow extends Moves {
  readonly id: string;
  readonly seq: number;
  readonly flow: string;
  readonly parent: string | null;
  readonly who: string;
  readonly input: Json;
  readonly output: Json | null;
  readonly error: Failure | null;
  readonly state: RunState;
  readonly created: Date;
  readonly started: Date | null;
  readonly ended: Date | null;
}

interface PartRow extends Moves {
  readonly part: string;
  readonly name: string;
  readonly child: string | null;
  readonly queue: string | null;
  readonly key: string;
  readonly input: Json;
  readonly output: Json | null;
  readonly error: Failure | null;
  readonly state: RunState;
  readonly attempt: number;
  readonly queued: Date;
  readonly started: Date | null;
  readonly ended: Date | null;
  readonly worker: string | null;
}

interface AttemptRow {
  readonly part: string;
  readonly number: number;
  readonly worker: string | null;
  readonly state: RunState;
  readonly queued: Date;
  readonly started: Date | null;
  readonly ended: Date;
  readonly error: Failure | null;
}

interface NoteRow {
  readonly part: string;
  readonly attempt: number;
  readonly kind: "log" | "used" | "generated";
  readonly time: Date;
  readonly note: Json;
}

const RUN = `id, seq, flow, parent, subject as who, input, output, error, state, percent, doing, bytes,
  total_bytes as "totalBytes", created, started, ended`;
const PART = `p.part, p.name, p.child, p.queue, p.key, p.input, p.attempt, p.queued, p.worker,
  case when p.child is null then p.output else c.output end as output,
  case when p.child is null then p.error else c.error end as error,
  case when p.child is null then p.state else coalesce(c.state, 'failed') end as state,
  coalesce(c.percent, p.percent) as percent, coalesce(c.doing, p.doing) as doing, coalesce(c.bytes, p.bytes) as bytes,
  coalesce(c.total_bytes, p.total_bytes) as "totalBytes",
  case when p.child is null then p.started else c.started end as started, coalesce(c.ended, p.ended) as ended`;
const DEFAULT_LIMIT = 100;
const MOST_LIMIT = 1_000;

/** A run with all it did so far. */
export async function readRun(pool: Pool, id: string): Promise<RunDetail | undefined> {
  return pool.transaction(
    async (tx) => {
      const [row] = await tx.query<RunRow>(`select ${RUN} from flow_run where id = $1`, [id]);
      if (row === undefined) return undefined;
      const parts = await tx.query<PartRow>(
        `select ${PART} from flow_part p left join flow_run c on c.id = p.child where p.run = $1 order by p.position`,
        [id],
      );
      const attempts = await tx.query<AttemptRow>(
        `select part, number, worker, state, queued, started, ended, error from flow_attempt where run = $1 order by number`,
        [id],
      );
      const notes = await tx.query<NoteRow>(
        "select part, attempt, kind, time, note from flow_note where run = $1 order by seq",
        [id],
      );
      const attemptsOf = Map.groupBy(attempts, ({ part }) => part);
      const notesOf = Map.groupBy(notes, ({ part }) => part);
      return {
        ...runOf(row),
        parts: parts.map((part) => partOf(id, part, attemptsOf.get(part.part) ?? [], notesOf.get(part.part) ?? [])),
      };
    },
    { isolation: "repeatable read", readOnly: true },
  );
}

/** Runs, newest first. */
export async function listRuns(pool: Pool, filter: RunFilter): Promise<{ runs: readonly Run[]; next?: string }> {
  const limit = Math.min(Math.max(Math.trunc(filter.limit ?? DEFAULT_LIMIT), 1), MOST_LIMIT);
  const from = filter.from === undefined ? undefined : Number(filter.from);
  if (from !== undefined && !Number.isSafeInteger(from))
    throw new GyreError("BadRequest", "from is the next of an earlier answer", { subject: filter.from ?? "" });
  const rows = await pool.query<RunRow>(
    `select ${RUN} from flow_run
     where ($1::text is null or flow = $1) and ($2::text[] is null or state = any($2)) and ($3 or parent is null)
       and ($4::timestamptz is null or created >= $4) and ($5::timestamptz is null or created < $5)
       and ($6::bigint is null or seq < $6)
     order by seq desc limit $7`,
    [
      filter.flow ?? null,
      filter.states ?? null,
      filter.children === true,
      filter.after ?? null,
      filter.before ?? null,
      from ?? null,
      limit + 1,
    ],
  );
  const last = rows[limit - 1];
  return { runs: rows.slice(0, limit).map(runOf), ...(rows.length > limit && last && { next: String(last.seq) }) };
}

/** How a run ended; undefined while it goes on, null when there is none. */
export async function readEnd(pool: Pool, id: string): Promise<Settled<Json> | null | undefined> {
  const [row] = await pool.query<Pick<RunRow, "state" | "output" | "error">>(
    "select state, output, error from flow_run where id = $1",
    [id],
  );
  if (row === undefined) return null;
  return row.state === "queued" || row.state === "running" ? undefined : settledOf(row);
}

function runOf(row: RunRow): Run {
  const { id, flow, state, who, input, output, error, parent, created, started, ended } = row;
  return {
    id,
    flow,
    state,
    progress: progressOf(row),
    who,
    input,
    created,
    ...(state === "succeeded" && { output }),
    ...(error !== null && { error }),
    ...(parent !== null && { parent }),
    ...(started !== null && { started }),
    ...(ended !== null && { ended }),
  };
}

function partOf(run: string, row: PartRow, attempts: readonly AttemptRow[], notes: readonly NoteRow[]): Part {
  const { part, name, child, queue, key, input, output, error, state } = row;
  const entities = (kind: NoteRow["kind"]): Entity[] =>
    notes.flatMap((note) => (note.kind === kind ? [note.note as Json & Entity] : []));
  const logs = notes.flatMap(({ kind, time, attempt, note }): LogLine[] =>
    kind === "log" ? [{ time, attempt, message: String(note) }] : [],
  );
  return {
    id: child ?? `${run}/${part}`,
    name,
    part,
    flow: child !== null,
    state,
    progress: progressOf(row),
    attempts: child === null ? [...attempts.map(attemptOf), ...currentOf(row)] : [],
    input,
    logs,
    used: entities("used"),
    generated: entities("generated"),
    ...(queue !== null && { queue }),
    ...(key !== "" && { key }),
    ...(state === "succeeded" && { output }),
    ...(error !== null && { error }),
  };
}

function attemptOf({ number, worker, state, queued, started, ended, error }: AttemptRow): Attempt {
  return {
    number,
    state,
    queued,
    ended,
    ...(worker !== null && { worker }),
    ...(started !== null && { started }),
    ...(error !== null && { error }),
  };
}

/** The try that waits or is under way: those that ended are rows of their own. */
function currentOf({ attempt, state, queued, started, worker }: PartRow): Attempt[] {
  if (state !== "queued" && state !== "running") return [];
  return [{ number: attempt, state, queued, ...(worker !== null && { worker }), ...(started !== null && { started }) }];
}

function progressOf({ percent, doing, bytes, totalBytes }: Moves): Progress {
  return {
    percent: percent ?? 0,
    ...(doing !== null && { text: doing }),
    ...(bytes !== null && { bytes }),
    ...(totalBytes !== null && { totalBytes }),
  };
}
