/** The cells of a raster along one of its axes, in coordinates. */
export interface CellAxis {
  /** Middles of cells, in the order of the axis. */
  readonly centres: Float64Array;
  /** One more than cells: where each begins and ends. */
  readonly edges: Float64Array;
  /** Cells of one width begin at `first`, each `step` further; undefined where they are not. */
  readonly regular: { readonly first: number; readonly step: number } | undefined;
}

/** Coordinates kept as floats or with few decimals are a thousandth of a cell off; more is meant. */
const TOLERANCE = 1e-3;

/** Cells of one width. */
export function regularAxis(first: number, step: number, count: number): CellAxis {
  const edges = Float64Array.from({ length: count + 1 }, (_, i) => first + i * step);
  const centres = Float64Array.from({ length: count }, (_, i) => first + (i + 0.5) * step);
  return { centres, edges, regular: { first, step } };
}

/**
 * Cells around coordinates: edges lie half-way between them, and end at `limits`. Undefined for coordinates that do not
 * go one way only. A single one has cells of `width`.
 */
export function cellAxis(
  centres: Float64Array,
  { width, limits }: { readonly width: number; readonly limits?: readonly [number, number] },
): CellAxis | undefined {
  const count = centres.length;
  if (count === 0 || !centres.every(Number.isFinite)) return undefined;
  if (count === 1) return regularAxis(centres[0]! - width / 2, width, 1);
  const step = (centres[count - 1]! - centres[0]!) / (count - 1);
  for (let i = 1; i < count; i++) if (!((centres[i]! - centres[i - 1]!) * step > 0)) return undefined;
  const isRegular = centres.every((v, i) => Math.abs(v - centres[0]! - i * step) <= Math.abs(step) * TOLERANCE);
  const first = centres[0]! - step / 2;
  const last = first + step * count;
  const isWithin = limits === undefined || [first, last].every((v) => v >= limits[0] && v <= limits[1]);
  if (isRegular && isWithin) return regularAxis(first, step, count);
  const edges = new Float64Array(count + 1);
  for (let i = 1; i < count; i++) edges[i] = (centres[i - 1]! + centres[i]!) / 2;
  edges[0] = 2 * centres[0]! - edges[1]!;
  edges[count] = 2 * centres[count - 1]! - edges[count - 1]!;
  if (limits !== undefined) {
    for (const i of [0, count]) edges[i] = Math.min(Math.max(edges[i]!, limits[0]), limits[1]);
  }
  return { centres, edges, regular: isRegular ? { first, step } : undefined };
}

/** A coordinate as a place among cells: 0 at the outer edge of the first, 0.5 in its middle. */
export function placeOnAxis({ centres, edges, regular }: CellAxis, value: number): number {
  if (regular !== undefined) return (value - regular.first) / regular.step;
  const isUp = edges.at(-1)! > edges[0]!;
  let [low, high] = [0, centres.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (isUp ? edges[middle]! <= value : edges[middle]! >= value) low = middle;
    else high = middle;
  }
  const centre = centres[low]!;
  const [near, start] = isUp === value < centre ? [edges[low]!, low] : [edges[low + 1]!, low + 1];
  const half = near === centre ? 0 : (value - centre) / (near - centre) / 2;
  return low + 0.5 + (start === low ? -half : half);
}

/** The coordinate of a place among cells; the way back from `placeOnAxis`. */
export function coordinateAt({ centres, edges, regular }: CellAxis, place: number): number {
  if (regular !== undefined) return regular.first + place * regular.step;
  const cell = Math.min(Math.max(Math.floor(place), 0), centres.length - 1);
  const part = place - cell;
  const [near, far, along] =
    part < 0.5 ? [edges[cell]!, centres[cell]!, part * 2] : [centres[cell]!, edges[cell + 1]!, part * 2 - 1];
  return near + (far - near) * along;
}

/** The cells `from` to before `to` of an axis. */
export function cutAxis({ centres, edges, regular }: CellAxis, from: number, to: number): CellAxis {
  return {
    centres: centres.slice(from, to),
    edges: edges.slice(from, to + 1),
    regular: regular === undefined ? undefined : { first: regular.first + from * regular.step, step: regular.step },
  };
}
