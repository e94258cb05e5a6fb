import type { Clock } from "../../core/clock.ts";

export type { Clock } from "../../core/clock.ts";

import type { CubePart, CubeRules } from "../../core/cube.ts";

/** What the registry keeps of a dataset. Plain data: one line of its file. */
export interface Entry {
  /** Given at first sight and kept. */
  readonly id: string;
  readonly aliases: readonly string[];
  readonly kind: "file" | "cube" | "view" | "derived";
  /** What it is recognised by when it is met again: its address, or for cubes what defines them. */
  readonly key: string;
  /** Its address, for people. */
  readonly source: string;
  /** The source (folder, glob, catalogue) below which it was found. */
  readonly root?: string;
  readonly tape?: boolean;
  /** Variables left out, by name or pattern. */
  readonly drop?: readonly string[];
  readonly cube?: { readonly rules: CubeRules; readonly parts: readonly CubePart[] };
  /** Size and tag when it was last looked at. */
  readonly identity?: string;
  /** It has been opened as it is now. */
  readonly verified?: boolean;
  /** The id of the STAC item that describes it, since it was verified. */
  readonly item?: string;
  /** Since when it has not been there; ISO 8601. */
  readonly missing?: string;
}

/** A trouble of a source, for people. */
export interface Problem {
  readonly source: string;
  readonly offset?: number;
  readonly reason: string;
  /** ISO 8601. */
  readonly since: string;
}

/** Its timers keep no process. */
export const systemClock: Clock = {
  now: Date.now,
  after(ms, work) {
    const timer = setTimeout(work, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
