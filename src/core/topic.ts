import { RE2JS } from "re2js";
import { GyreError } from "../errors.ts";
import type { Json } from "./stac.ts";

/** Where consumers put what they could not apply. */
export const ERROR_TOPIC = "esgf_error";

/** Begins the topics of what searches that go on tell: no events, though made of them. */
export const NOTICE_TOPICS = "notices.";

/** The founding system's topics: `CMIP6.historical.CMCC-ESM2`. */
export const DEFAULT_TEMPLATE = "{mip_era}.{experiment_id}.{source_id}";

/** For items that tell nothing; it has three parts, as the patterns of the founding system want. */
export const FALLBACK_TOPIC = "other.unknown.unknown";

/** Kafka's limit, so that every log can have every topic. */
const LONGEST_TOPIC = 249;
const TOPIC = /^[A-Za-z0-9._-]{1,249}$/;
const LONGEST_PATTERN = 1000;
const MOST_VERDICTS = 10_000;

export function isTopic(name: string): boolean {
  return TOPIC.test(name) && name !== "." && name !== "..";
}

/** Decides by a topic's name; a linear-time expression, so that a client may send one. */
export interface TopicFilter {
  readonly source: string;
  test(topic: string): boolean;
}

export const ALL_TOPICS: TopicFilter = Object.freeze({ source: ".*", test: () => true });

/**
 * A regular expression over whole topic names, as a pattern subscription of Kafka is. Its language is RE2's: what needs
 * backtracking is refused. Throws BadRequest.
 */
export function topicFilter(source: string): TopicFilter {
  if (source === ALL_TOPICS.source) return ALL_TOPICS;
  if (source.length > LONGEST_PATTERN) {
    throw new GyreError("BadRequest", `the topic pattern is longer than ${LONGEST_PATTERN} characters`);
  }
  const expression = compiled(source);
  const verdicts = new Map<string, boolean>();
  return {
    source,
    test(topic) {
      const known = verdicts.get(topic);
      if (known !== undefined) return known;
      const verdict = topic.length <= LONGEST_TOPIC && expression.matches(topic);
      if (verdicts.size >= MOST_VERDICTS) verdicts.clear();
      verdicts.set(topic, verdict);
      return verdict;
    },
  };
}

function compiled(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (cause) {
    const reason = (cause as Error).message.replace(/^error parsing regexp: /, "");
    throw new GyreError("BadRequest", `the topic pattern is not understood: ${reason}`, { subject: source, cause });
  }
}

/** What a topic is made from: an item, or its id alone. */
export interface Described {
  readonly id: string;
  readonly properties?: { readonly [name: string]: Json };
}

export interface TopicTemplate {
  readonly source: string;
  topicOf(item: Described): string;
}

/** Places of the facets in a CMIP dataset id: `mip_era.activity.institution.source.experiment.variant...`. */
const ID_PARTS: Readonly<Record<string, number>> = {
  mip_era: 0,
  activity_id: 1,
  institution_id: 2,
  source_id: 3,
  experiment_id: 4,
  variant_label: 5,
  table_id: 6,
  variable_id: 7,
  grid_label: 8,
};

/** What a regional model's item has instead. */
const STAND_INS: Readonly<Record<string, string>> = { experiment_id: "driving_experiment_id" };

/**
 * Reads a template of facets. An item's facets are its properties, with or without a prefix (`cmip6:source_id`); where
 * one is missing, the parts of a CMIP id; where that is none, the fallback. Throws BadRequest.
 */
export function topicTemplate(source = DEFAULT_TEMPLATE, fallback = FALLBACK_TOPIC): TopicTemplate {
  const parts = source.split(/\{([A-Za-z][A-Za-z0-9_]{0,99})\}/);
  const isPlain = parts.every((part, i) => i % 2 === 1 || /^[A-Za-z0-9._-]*$/.test(part));
  if (!isPlain || parts.length < 3 || source.length > LONGEST_TOPIC) {
    const wanted = "facets in braces between A-Z a-z 0-9 . _ -";
    throw new GyreError("BadRequest", `"${source.slice(0, LONGEST_TOPIC)}" is no topic template: ${wanted}`);
  }
  if (!isTopic(fallback)) throw new GyreError("BadRequest", `"${fallback.slice(0, LONGEST_TOPIC)}" is no topic`);
  const facets = parts.filter((_, i) => i % 2 === 1);
  return {
    source,
    topicOf(item) {
      const values = fromProperties(facets, item.properties) ?? fromId(facets, item.id);
      if (values === undefined) return fallback;
      const name = parts.map((part, i) => (i % 2 === 1 ? values[(i - 1) / 2] : part)).join("");
      return isTopic(name) && name !== ERROR_TOPIC ? name : fallback;
    },
  };
}

function fromProperties(facets: readonly string[], properties: Described["properties"]): string[] | undefined {
  if (properties === undefined) return undefined;
  const byFacet = new Map<string, Json>();
  for (const [name, value] of Object.entries(properties)) {
    const facet = name.slice(name.lastIndexOf(":") + 1);
    // An unprefixed property goes before a prefixed one.
    if (!byFacet.has(facet) || facet === name) byFacet.set(facet, value);
  }
  return every(facets, (facet) => {
    return facetText(byFacet.get(facet)) ?? facetText(byFacet.get(STAND_INS[facet] ?? ""));
  });
}

function fromId(facets: readonly string[], id: string): string[] | undefined {
  const parts = id.slice(0, 1000).split(".");
  if (!/^CMIP\w*$/i.test(parts[0]!) || parts.length < 5) return undefined;
  return every(facets, (facet) => facetText(parts[ID_PARTS[facet] ?? parts.length]));
}

function every(facets: readonly string[], find: (facet: string) => string | undefined): string[] | undefined {
  const values = facets.map(find);
  return values.every((value) => value !== undefined) ? values : undefined;
}

/** A dot would make one more part of it. */
function facetText(value: Json | undefined): string | undefined {
  const first = Array.isArray(value) ? value[0] : value;
  if (typeof first !== "string" && typeof first !== "number") return undefined;
  const text = String(first)
    .slice(0, LONGEST_TOPIC)
    .replaceAll(/[^A-Za-z0-9_-]/g, "_");
  return text === "" ? undefined : text;
}
