import { createHash } from "node:crypto";
import type { Entity } from "../../../flows/flow.ts";
import type { Part, RunDetail } from "../../../flows/runs.ts";
import { digestOf } from "./shown.ts";

type Attributes = { readonly [name: string]: unknown };
type Records = { [id: string]: Attributes };

/** Of what is no part of PROV itself. */
const VOCABULARY = "https://gyre.earth/ns/flow#";

/**
 * Where the results of a run come from, as PROV-JSON (W3C Member Submission of 24 April 2013): the run and its parts are
 * activities, what they read and made are entities, whoever asked and the workers are agents.
 */
export function provenanceOf(run: RunDetail, base: URL): object {
  const entity: Records = {};
  const activity: Records = {};
  const agent: Records = {};
  const relations = {
    used: new Relation("u"),
    wasGeneratedBy: new Relation("g"),
    wasInformedBy: new Relation("i"),
    wasStartedBy: new Relation("s"),
    wasAssociatedWith: new Relation("a"),
  };
  /** Activities that made an entity. */
  const makers = new Map<string, string[]>();

  const reads = (who: string, what: string): void => relations.used.add({ "prov:activity": who, "prov:entity": what });
  const makes = (who: string, what: string): void => {
    relations.wasGeneratedBy.add({ "prov:entity": what, "prov:activity": who });
    makers.set(what, [...(makers.get(what) ?? []), who]);
  };
  const names = (one: Entity): string => {
    const id = entityName(one);
    entity[id] = entityAttributes(one);
    return id;
  };

  const whole = name("run", run.id);
  activity[whole] = {
    "prov:label": run.flow,
    "prov:type": qualified("flow:Run"),
    "flow:state": run.state,
    ...times(run.started, run.ended),
  };
  const asker = name("agent", run.who);
  agent[asker] = { "prov:label": run.who, "prov:type": qualified("prov:Agent") };
  relations.wasAssociatedWith.add({ "prov:activity": whole, "prov:agent": asker });
  for (const role of ["input", "output"] as const) {
    const value = run[role];
    if (value === undefined) continue;
    const id = name("run", `${run.id}/${role}`);
    entity[id] = { "prov:value": JSON.stringify(value), "flow:digest": digestOf(value) };
    if (role === "input") reads(whole, id);
    else makes(whole, id);
  }
  for (const part of run.parts) {
    const id = name("run", part.id);
    activity[id] = partAttributes(part);
    relations.wasStartedBy.add({ "prov:activity": id, "prov:starter": whole });
    for (const worker of new Set(part.attempts.flatMap(({ worker }) => worker ?? []))) {
      agent[name("agent", worker)] = { "prov:label": worker, "prov:type": qualified("prov:SoftwareAgent") };
      relations.wasAssociatedWith.add({ "prov:activity": id, "prov:agent": name("agent", worker) });
    }
    for (const one of part.used) reads(id, names(one));
    for (const one of part.generated) makes(id, names(one));
    // A run goes on with what its parts answer.
    if (part.state === "succeeded") relations.wasInformedBy.add({ "prov:informed": whole, "prov:informant": id });
  }
  for (const { "prov:activity": informed, "prov:entity": what } of relations.used.all()) {
    for (const informant of makers.get(String(what)) ?? []) {
      if (informant !== informed)
        relations.wasInformedBy.add({ "prov:informed": informed, "prov:informant": informant });
    }
  }
  return {
    prefix: {
      run: `${base.href}flows/`,
      agent: `${base.href}flows/agents#`,
      entity: `${base.href}flows/entities#`,
      flow: VOCABULARY,
    },
    entity,
    activity,
    agent,
    ...Object.fromEntries(Object.entries(relations).map(([kind, relation]) => [kind, relation.records()])),
  };
}

/** Relations of one kind; each is told once, under an identifier of this document alone. */
class Relation {
  readonly #letter: string;
  readonly #found = new Map<string, Attributes>();

  constructor(letter: string) {
    this.#letter = letter;
  }

  add(relation: Attributes): void {
    this.#found.set(JSON.stringify(relation), relation);
  }

  all(): readonly Attributes[] {
    return [...this.#found.values()];
  }

  records(): Records {
    return Object.fromEntries(this.all().map((relation, i) => [`_:${this.#letter}${i + 1}`, relation]));
  }
}

function partAttributes({ name: label, part, flow, state, attempts }: Part): Attributes {
  const started = attempts.find((attempt) => attempt.started !== undefined)?.started;
  return {
    "prov:label": part === "" ? label : `${label} ${part}`,
    "prov:type": qualified(flow ? "flow:Run" : "flow:Step"),
    "flow:state": state,
    "flow:attempts": attempts.length,
    ...times(started, attempts.at(-1)?.ended),
  };
}

/** The same address with other contents is another entity. */
function entityName({ id, digest = "" }: Entity): string {
  return `entity:${createHash("sha256").update(`${id}\0${digest}`).digest("hex").slice(0, 32)}`;
}

function entityAttributes({ id, digest, bytes, mediaType }: Entity): Attributes {
  return {
    "prov:label": id,
    "prov:location": id,
    ...(digest === undefined ? {} : { "flow:digest": digest }),
    ...(bytes === undefined ? {} : { "flow:bytes": bytes }),
    ...(mediaType === undefined ? {} : { "flow:mediaType": mediaType }),
  };
}

function times(started: Date | undefined, ended: Date | undefined): Attributes {
  return {
    ...(started === undefined ? {} : { "prov:startTime": started.toISOString() }),
    ...(ended === undefined ? {} : { "prov:endTime": ended.toISOString() }),
  };
}

function qualified(text: string): object {
  return { $: text, type: "prov:QUALIFIED_NAME" };
}

/** A qualified name (PROV-N 3.7.1) of any text: what local names may not have is percent-encoded. */
function name(prefix: string, text: string): string {
  const local = encodeURIComponent(text).replace(/[!'()*~.]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return `${prefix}:${local}`;
}
