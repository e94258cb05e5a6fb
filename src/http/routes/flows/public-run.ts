import { publicText } from "../../../core/public-source.ts";
import type { Entity, Failure, Progress } from "../../../flows/flow.ts";
import type { Attempt, Part, Run, RunDetail } from "../../../flows/runs.ts";

interface Said {
  readonly progress: Progress;
  readonly error?: Failure;
}

/** A run as everybody may see it: addresses in what it says have no credentials, and no folders of this machine. */
export function publicRun(run: Run): Run {
  return { ...run, ...publicSaid(run) };
}

export function publicDetail(run: RunDetail): RunDetail {
  return { ...run, ...publicSaid(run), parts: run.parts.map(publicPart) };
}

function publicPart(part: Part): Part {
  return {
    ...part,
    ...publicSaid(part),
    attempts: part.attempts.map((attempt): Attempt => ({ ...attempt, ...publicError(attempt.error) })),
    logs: part.logs.map((line) => ({ ...line, message: publicText(line.message) })),
    used: part.used.map(publicEntity),
    generated: part.generated.map(publicEntity),
  };
}

function publicSaid({ progress, error }: Said): Said {
  const { text, ...rest } = progress;
  return { progress: text === undefined ? progress : { ...rest, text: publicText(text) }, ...publicError(error) };
}

function publicError(error: Failure | undefined): { readonly error?: Failure } {
  return error === undefined ? {} : { error: { ...error, message: publicText(error.message) } };
}

function publicEntity(entity: Entity): Entity {
  return { ...entity, id: publicText(entity.id) };
}
