import { retractedAmong } from "../catalog/retracted.ts";
import type { Config } from "../config.ts";
import { eventJsonSchema } from "../core/event-schema.ts";
import { createCompare } from "../http/routes/compare.ts";
import { createEvents } from "../http/routes/events/events.ts";
import { createSubscriptions } from "../http/routes/subscriptions.ts";
import { asyncapi } from "../log/asyncapi.ts";
import type { Protocol, RouteCall } from "../protocols/protocol.ts";
import type { Retractions } from "../protocols/stac/dataset-item/retractions.ts";
import { createIngest } from "../protocols/stac/ingest.ts";
import { answerLanding } from "../protocols/stac/landing.ts";
import { createStac, type StacOptions } from "../protocols/stac/stac.ts";
import { VERSION } from "../version.ts";
import type { Trouble } from "./consumers.ts";
import { lazyCatalog, lazyWrites } from "./lazily.ts";
import { type Publication, type PublicationOptions, startPublication } from "./publication.ts";
import { Starting, type StartState } from "./starting.ts";

/** The publishing half as a node wires it: it starts beside the rest, and what comes early waits for it. */
export interface Publishing {
  readonly protocols: readonly Protocol[];
  /** The founding system's ingest API; absent where there are no writes. */
  readonly ingest: Protocol | undefined;
  landing(call: RouteCall): Promise<Response>;
  /** What hides the datasets of retracted items. */
  readonly retractions: Retractions;
  /** Resolves when the catalogue answers; rejects when it never will. */
  readonly started: Promise<Publication>;
  state(): StartState;
  /** What keeps the catalogue, or what it is made of, from going on now. */
  troubles(): readonly Trouble[];
  close(): Promise<void>;
}

export function createPublishing(config: Config, options: PublicationOptions): Publishing {
  const starting = new Starting({
    name: "the catalogue",
    start: (signal) => startPublication(config, options, signal),
    onError: (error) => options.onError(error, "catalogue"),
  });
  const publication = (): Promise<Publication> => starting.value();
  const { id = config.name, title, description, writable, language, translations } = config.catalog;
  const stac: StacOptions = {
    catalog: lazyCatalog(async () => (await publication()).catalog),
    ...(writable ? { writes: lazyWrites(async () => (await publication()).writes) } : {}),
    id,
    languages: { own: language, translations },
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    bodyBytes: config.limits.body,
  };
  const compare = createCompare({
    tree: async () => (await publication()).tree,
    healing: async () => (await publication()).healing,
  });
  const subscriptions = createSubscriptions({ subscriptions: async () => (await publication()).subscriptions });
  const events = createEvents({
    log: async () => (await publication()).log,
    status: async (event, call) => (await publication()).status(event, call),
    consumers: async (call) => (await publication()).consumers(call),
    lags: async (call) => (await publication()).lags(call),
    deafness: async () => (await publication()).deafness,
    schema: eventJsonSchema(),
    rebuild: async (call) => (await publication()).rebuild(call),
    isWritable: writable,
    asyncapi: async (base, call) => {
      const { log } = await publication();
      const kafka = brokersOf(config);
      return asyncapi({
        publicUrl: base,
        version: VERSION,
        topics: await log.topics(call),
        ...(kafka === undefined ? {} : { kafka }),
      });
    },
  });
  return {
    protocols: [createStac(stac), compare, subscriptions, events],
    ingest: writable ? createIngest(stac) : undefined,
    landing: (call) => answerLanding(call, stac),
    retractions: {
      state: () => starting.running?.applied(),
      among: async (ids) => retractedAmong((await publication()).pool, ids),
    },
    started: starting.started,
    state: () => starting.state,
    troubles() {
      const { failure, running } = starting;
      if (failure === undefined) return running?.troubles() ?? [];
      return [{ source: "catalogue", reason: failure.reason, since: failure.since.toISOString() }];
    },
    close: () => starting.close(),
  };
}

/** Brokers that clients may read from themselves. */
function brokersOf({ log }: Config): readonly string[] | undefined {
  if (log === "database") return undefined;
  return typeof log === "string" ? log.replace(/^kafka:\/\/|\/$/g, "").split(",") : log.brokers;
}
