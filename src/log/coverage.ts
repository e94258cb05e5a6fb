import { ERROR_TOPIC, NOTICE_TOPICS, type TopicFilter, topicFilter } from "../core/topic.ts";

/**
 * What a consumer applied while its pattern was another: messages before `until` whose topics fit all `patterns`. There
 * is more than one where a narrower pattern took back what a wider one had applied.
 */
export interface Region {
  readonly patterns: readonly string[];
  readonly until: number;
}

/** Every change of the pattern leaves a region; of more the oldest are forgotten, and applied again if they come back. */
const MOST_REGIONS = 20;

/** How far a consumer is in one partition. */
export interface Progress {
  readonly next: number;
  /** Undefined: nothing of the past is missing. */
  readonly backfill: number | undefined;
  readonly applied: readonly Region[];
}

/** The progress of a consumer whose pattern changes: the whole past is looked through for what was not applied. */
export function withPattern(progress: Progress, from: string, to: string, past: "kept" | "removed"): Progress {
  const { next, backfill, applied } = progress;
  const regions = [...applied, { patterns: [from], until: backfill ?? next }].filter(({ until }) => until > 0);
  const left = past === "kept" ? regions : regions.map((region) => ({ ...region, patterns: [...region.patterns, to] }));
  return { next, backfill: next > 0 ? 0 : undefined, applied: left.slice(-MOST_REGIONS) };
}

/** What is left to remember when the past was looked through: regions of other patterns than the one that now holds. */
export function withoutBackfill(progress: Progress, pattern: string): Progress {
  const applied = progress.applied.filter(({ patterns }) => !patterns.includes(pattern));
  return { next: progress.next, backfill: undefined, applied };
}

/** Decides whether a message of the past was applied under an earlier pattern. */
export function coverage(applied: readonly Region[]): (topic: string, offset: number) => boolean {
  const regions = applied.map(({ patterns, until }) => ({ filters: patterns.map(topicFilter), until }));
  return (topic, offset) =>
    regions.some(({ filters, until }) => offset < until && filters.every((filter) => filter.test(topic)));
}

/** Also where a pattern escapes the dot. */
const NOTICES = NOTICE_TOPICS.slice(0, -1);

/**
 * Error events are for those who ask for them by name: a consumer of everything would make errors of errors. Notices of
 * subscriptions are for those whose pattern begins with theirs.
 */
export function withoutErrors(topics: TopicFilter): TopicFilter {
  const { source } = topics;
  if (source === ERROR_TOPIC || source.startsWith(NOTICES)) return topics;
  return {
    source,
    test: (topic) => topic !== ERROR_TOPIC && !topic.startsWith(NOTICE_TOPICS) && topics.test(topic),
  };
}
