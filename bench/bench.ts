/** One figure beside its peer. `ours` and `peer` each do one round and answer the figure in `unit`. */
export interface Row {
  readonly name: string;
  readonly peer: string;
  readonly unit: string;
  /** `rate`: more is better; `time`: less is better. The printed ratio is above 1 where we are better either way. */
  readonly kind: "rate" | "time";
  /** Ratio that an issue must show, and the one we are going for. */
  readonly floor?: number;
  readonly goal?: number;
  ours(): Promise<number>;
  /** Absent: the peer cannot be had, for this reason; the row is `not measured`. */
  readonly measurePeer: (() => Promise<number>) | { readonly notMeasured: string };
  /** Throws unless both sides answer the same; runs before any timing. */
  same?(): Promise<void>;
}

export interface Bench {
  readonly name: string;
  readonly summary: string;
  /** Prepares data, servers and rows; `close` stops them. */
  prepare(log: (line: string) => void): Promise<{ readonly rows: readonly Row[]; close(): Promise<void> }>;
}

/** Figures without a peer (memory, start time): measured and held against a limit. */
export function figure(name: string, unit: string, limit: number, measure: () => Promise<number>): Row {
  return {
    name,
    peer: `limit ${limit} ${unit}`,
    unit,
    kind: "time",
    floor: 1,
    ours: measure,
    measurePeer: async () => limit,
  };
}
