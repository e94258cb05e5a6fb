/** How values lose the digits that carry nothing. */
export interface Rounding {
  /** `keepbits`: bits of the mantissa that stay; `abs`, `rel`: the largest absolute or relative error allowed. */
  readonly kind: "keepbits" | "abs" | "rel";
  readonly value: number;
}

/** What a view asks of a dataset. Absent members change nothing. */
export interface View {
  /** West, south, east, north in degrees; east may lie below west (across the date line). */
  readonly bbox?: readonly [number, number, number, number];
  /** First and last time, both included, as ISO 8601 text in the axis' calendar; `2000` is the whole year. */
  readonly time?: readonly [string, string];
  readonly vars?: readonly string[];
  /** Chunk lengths by dimension. */
  readonly chunks?: ReadonlyMap<string, number>;
  /** For every data variable of a floating-point type. */
  readonly rounding?: Rounding;
  /** For the variables named, in place of `rounding`. */
  readonly roundings?: ReadonlyMap<string, Rounding>;
  /** Compressor of computed chunks, by its id. */
  readonly codec?: string;
}

/** One spelling for each view: equal views are equal texts, part of `Dataset.version` and so of every ETag. */
export function canonicalView(view: View): string {
  const parts: string[] = [];
  const add = (name: string, members: Iterable<string> | undefined): void => {
    if (members !== undefined) parts.push(`${name}=${[...members].join("~")}`);
  };
  const { rounding, roundings = new Map<string, Rounding>() } = view;
  add("bbox", view.bbox?.map(String));
  add("time", view.time);
  add("vars", view.vars && [...new Set(view.vars)].sort());
  add("chunks", view.chunks && [...view.chunks].map(([name, n]) => `${name}:${n}`).sort());
  add("codec", view.codec === undefined ? undefined : [view.codec]);
  if (rounding !== undefined) parts.push(`${rounding.kind}=${rounding.value}`);
  for (const [name, { kind, value }] of [...roundings].sort(([a], [b]) => (a < b ? -1 : 1))) {
    parts.push(`${kind}.${name}=${value}`);
  }
  return parts.join(",");
}
