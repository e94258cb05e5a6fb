import type { Scalar } from "./array.ts";

/**
 * How many sources become one dataset: along the dimension `concat`, along the new dimension `newDim`, or, with neither,
 * by adding up their variables. Cubes of cubes do more than one of these.
 */
export interface CubeRules {
  /** An existing dimension; members are ordered by the values of its coordinate. */
  readonly concat?: string;
  readonly newDim?: NewDimension;
  /** Variables left out: names, or patterns with `*`. */
  readonly drop?: readonly string[];
}

/** An address that takes part in a cube, or a cube that does. */
export type CubePart = string | { readonly rules: CubeRules; readonly parts: readonly CubePart[] };

export interface NewDimension {
  readonly name: string;
  /** One value per member, in the order of the sources' addresses; or found in each address. */
  readonly values?: readonly (number | string)[];
  /** A regular expression over the member's address; its first group, else its match, is the value. */
  readonly pattern?: string;
}

/**
 * How the cube answers for a variable: `raw` hands out stored bytes; `regridded` stored values on a chunk grid of its
 * own; `decoded` values after CF decoding, where members store the same quantity in different ways; `inline` values
 * kept in the cube itself.
 */
export type CubeMode = "raw" | "regridded" | "decoded" | "inline";

/** One property in which members differ: what was found, how often, and one member as an example. */
export interface CubeDifference {
  readonly property: string;
  readonly found: readonly { readonly value: string; readonly members: number; readonly example: string }[];
}

export interface CubeVariableReport {
  readonly name: string;
  readonly mode: CubeMode;
  /** Entries along the cube's dimension for which no member has this variable: they read as missing. */
  readonly missing: number;
  readonly differences: readonly CubeDifference[];
}

/** How the members of a cube fit together: what `gyre inspect` and `/info` show. */
export interface CubeReport {
  readonly members: number;
  readonly dimensions: readonly { readonly name: string; readonly isNew: boolean; readonly size: number }[];
  readonly variables: readonly CubeVariableReport[];
  /** Steps of the concatenated axis that look missing: the values on both sides, in the axis' units. */
  readonly gaps: readonly { readonly dimension: string; readonly after: Scalar; readonly before: Scalar }[];
  /** Entries of a member that an earlier member already has; they are taken from the earlier one. */
  readonly overlaps: readonly { readonly dimension: string; readonly source: string; readonly entries: number }[];
  /** Members that could not take part. */
  readonly left: readonly { readonly source: string; readonly reason: string }[];
}
