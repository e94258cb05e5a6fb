import { type Actions, oneOf } from "./actions.ts";
import type { Command } from "./command.ts";

const ACTIONS: Actions = {
  list: async () => (await import("./flows/runs.ts")).list,
  show: async () => (await import("./flows/runs.ts")).show,
  cancel: async () => (await import("./flows/runs.ts")).cancel,
  retry: async () => (await import("./flows/runs.ts")).retry,
  delete: async () => (await import("./flows/runs.ts")).forget,
  workers: async () => (await import("./flows/runs.ts")).workers,
};

export const flows: Command = {
  name: "flows",
  summary: "look at runs of flows, stop them, and try them again",
  help: `gyre flows ACTION [OPTIONS]

  list                   runs, the newest first; --flow NAME, --state STATE[,STATE...], --limit N, --children
  show RUN               steps, tries, logs, and why it failed; --watch: goes on until it ends
  cancel RUN             stops a run and its children; --watch: until it has stopped
  retry RUN              runs again from the first step that failed; --watch: until it ends
  delete RUN             forgets a run that has ended
  workers                processes that work on flows

      --node URL         default http://127.0.0.1:8080/; east or west of the playground
      --json             one JSON object a line

States: queued, running, succeeded, failed, cancelled. With --watch the exit code is 1 for a run that failed or was
cancelled.

Example:
  gyre flows list --state failed
  gyre flows retry 0b5c... --watch`,

  run: oneOf(ACTIONS),
};
