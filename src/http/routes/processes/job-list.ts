import { z } from "zod";
import type { Call } from "../../../core/principal.ts";
import { GyreError } from "../../../errors.ts";
import type { Run, RunFilter, RunState, Runs } from "../../../flows/runs.ts";
import { STATUS } from "./status.ts";

const LIMIT = 100;
const MOST = 1000;
/** Pages of runs that one answer looks through: of many that do not match, the client asks on. */
const MOST_PAGES = 20;

const STATES = Object.fromEntries(Object.entries(STATUS).map(([state, status]) => [status, state as RunState]));

const list = z
  .string()
  .max(2000)
  .transform((text) => text.split(","));

/** Parameters of the job list (11.2.2 to 11.2.8). */
export const jobsQuery = z.strictObject({
  type: list.optional().describe("process; there are no others"),
  processID: list.optional(),
  status: list.pipe(z.array(z.enum(["accepted", "running", "successful", "failed", "dismissed"]))).optional(),
  datetime: z
    .string()
    .max(100)
    .optional()
    .describe("when it was created: a time, or an interval like 2026-01-01T00:00:00Z/.."),
  minDuration: z.coerce.number().min(0).optional().describe("seconds"),
  maxDuration: z.coerce.number().min(0).optional().describe("seconds"),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .transform((limit) => Math.min(limit, MOST))
    .optional(),
  from: z.string().max(1000).optional().describe("as the link `next` has it"),
});

export type JobsQuery = z.output<typeof jobsQuery>;

/** Runs that clients started, as the parameters want them; `next` where there may be more. */
export async function listJobs(
  runs: Runs,
  query: JobsQuery,
  isShown: (run: Run) => boolean,
  call: Call,
): Promise<{ readonly runs: readonly Run[]; readonly next?: string }> {
  const { type, processID, status, datetime, limit = LIMIT } = query;
  if (type !== undefined && !type.includes("process")) return { runs: [] };
  const filter: RunFilter = {
    ...(status === undefined ? {} : { states: status.map((one) => STATES[one] as RunState) }),
    ...(processID?.length === 1 ? { flow: processID[0]! } : {}),
    ...(datetime === undefined ? {} : intervalOf(datetime)),
  };
  const found: Run[] = [];
  let from = query.from;
  for (let page = 0; page < MOST_PAGES && found.length < limit; page++) {
    // No more than is wanted: where the next answer goes on is known at the end of a page alone.
    const asked = { ...filter, limit: limit - found.length, ...(from === undefined ? {} : { from }) };
    const { runs: some, next } = await runs.list(asked, call);
    found.push(...some.filter((run) => isShown(run) && isWanted(run, query)));
    if (next === undefined) return { runs: found };
    from = next;
  }
  return { runs: found, ...(from === undefined ? {} : { next: from }) };
}

function isWanted({ flow, started, ended }: Run, { processID, minDuration, maxDuration }: JobsQuery): boolean {
  if (processID !== undefined && !processID.includes(flow)) return false;
  if (minDuration === undefined && maxDuration === undefined) return true;
  if (started === undefined) return false;
  const seconds = ((ended ?? new Date()).getTime() - started.getTime()) / 1000;
  return seconds >= (minDuration ?? 0) && seconds <= (maxDuration ?? Number.POSITIVE_INFINITY);
}

/** A time or an interval with `..` or nothing for an open end (RFC 3339, 5.6; OGC API Common). */
function intervalOf(text: string): Pick<RunFilter, "after" | "before"> {
  const [start, end, ...more] = text.split("/");
  const after = timeOf(start, text);
  // A filter ends before its time, an interval with it.
  const last = end === undefined ? after : timeOf(end, text);
  if (more.length > 0 || (after === undefined && last === undefined)) throw notUnderstood(text);
  return {
    ...(after === undefined ? {} : { after }),
    ...(last === undefined ? {} : { before: new Date(last.getTime() + 1) }),
  };
}

function timeOf(text: string | undefined, whole: string): Date | undefined {
  if (text === undefined || text === "" || text === "..") return undefined;
  const parsed = z.union([z.iso.datetime({ offset: true }), z.iso.date()]).safeParse(text);
  if (!parsed.success) throw notUnderstood(whole);
  return new Date(text);
}

function notUnderstood(text: string): GyreError {
  return new GyreError("BadRequest", `datetime ${JSON.stringify(text)} is no time and no interval`, {
    subject: "datetime",
  });
}
