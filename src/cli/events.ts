import { type Actions, oneOf } from "./actions.ts";
import type { Command } from "./command.ts";

const ACTIONS: Actions = {
  topics: async () => (await import("./events/reading.ts")).topics,
  positions: async () => (await import("./events/reading.ts")).positions,
  tail: async () => (await import("./events/reading.ts")).tail,
  export: async () => (await import("./events/reading.ts")).exported,
  dump: async () => (await import("./events/reading.ts")).dumped,
  consumers: async () => (await import("./events/failures.ts")).consumers,
  lag: async () => (await import("./events/failures.ts")).lag,
  errors: async () => (await import("./events/failures.ts")).errors,
  redrive: async () => (await import("./events/failures.ts")).redrive,
  import: async () => (await import("./events/failures.ts")).imported,
  replay: async () => (await import("./events/failures.ts")).replay,
  compare: async () => (await import("./events/compare.ts")).compare,
  heal: async () => (await import("./events/heal.ts")).heal,
};

export const events: Command = {
  name: "events",
  summary: "look into the event log, keep it, and mend what could not be applied",
  help: `gyre events ACTION [OPTIONS]

  topics                 names, messages, the time of the last
  positions              what is kept of each partition, and where the log ends
  tail [--follow]        messages, a line each; --from beginning, or a position of an earlier answer
  consumers              who reads the log, and how far each is behind
  lag                    what each of them has not applied yet, by topic
  errors                 what could not be applied, and why; --limit N
  redrive ID... | --all  sends failed messages again: some, those of a filter, or all
  export [--out FILE]    all messages as lines of JSON
  import FILE | FOLDER   appends the lines of an export or of a dump; what is there is not appended again
  dump [FOLDER]          every raw message in a file for each day, also undecodable ones; --follow goes on
  replay [--dump FOLDER] a dump into the log; without one the whole log into the node's catalogue again
  compare --with NODE    items and collections that two nodes do not have alike; --collection ID, once or more
  heal --with NODE       makes them what the node's log says, and publishes what is newer there; --dry-run

      --node east|west|URL   default east (of the playground)
      --topics PATTERN       topics, as a regular expression for whole names
      --json                 one JSON object a line

Filters of errors and redrive: --at-node NAME, --type payload|stac_server|kafka|unknown, --key PREFIX, --since TIME

Example:
  gyre events tail --follow --topics '.*\\.historical\\..*'
  gyre events redrive --type stac_server
  gyre events heal --node west --with east --dry-run`,

  run: oneOf(ACTIONS),
};
