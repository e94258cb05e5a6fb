import type { Extension } from "./extensions.ts";

/** What becomes of a document that is readable but breaks a rule: nothing is looked at, it is told, or it is refused. */
export type Level = "off" | "warn" | "refuse";

export interface Policy {
  readonly level: Level;
  /** The only extensions that items may name; without it those of the collection's project, or any. */
  readonly extensions?: readonly Extension[];
}
