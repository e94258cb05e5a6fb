/** One figure of ours, beside that of a peer or held against a limit. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  /** `rate`: more is better; `time`: less is better. Ratios are above 1 where we are better, either way. */
  readonly kind: "rate" | "time";
  /** Does one round and answers the figure. */
  ours(): Promise<number>;
  readonly peer?: Peer | MissingPeer;
  readonly limit?: Limit;
  /** Where the usual number says no more than one. */
  readonly rounds?: number;
}

export interface Peer {
  readonly name: string;
  /** The ratio that must be shown, and the one that we are going for. */
  readonly floor: number;
  readonly goal: number;
  measure(): Promise<number>;
  /** Throws unless both sides answer the same; runs before any timing. */
  same(): Promise<void>;
}

/** A peer that cannot be had: the row is not measured, and never counts as met. */
export interface MissingPeer {
  readonly name: string;
  readonly missing: string;
}

export interface Limit {
  readonly most: number;
  readonly goal?: number;
}

export interface Prepared {
  readonly rows: readonly Row[];
  /** Stops what was started. */
  close(): Promise<void>;
}

export interface Bench {
  readonly summary: string;
  /** Prepares data, servers and rows. */
  prepare(log: (line: string) => void): Promise<Prepared>;
}

/** What is given, or why the bench cannot run here. */
export function needed(found: { readonly program: string } | { readonly missing: string }): string {
  if ("missing" in found) throw new Error(`not measured: ${found.missing}`);
  return found.program;
}
