import { createRandom, normal, type Random } from "../../core/random.ts";

const PATTERNS = 10;
/** Nodes of the random lattice around the globe, and the weight of each octave. */
const OCTAVES: readonly (readonly [number, number])[] = [
  [6, 1],
  [14, 0.6],
  [32, 0.35],
];

/** Smooth random fields that change from step to step as weather does: patterns with persistent amplitudes. */
export interface Weather {
  /** Adds nothing, allocates nothing: the field of the next step, about unit variance, valid until the next call. */
  next(): Float32Array;
}

/** `persistence` is what remains of an amplitude after one step. */
export function createWeather(
  rows: number,
  columns: number,
  persistence: number,
  ...seeds: (number | string)[]
): Weather {
  const random = createRandom("weather", ...seeds);
  const patterns = Array.from({ length: PATTERNS }, () => pattern(rows, columns, random));
  const amplitudes = patterns.map(() => normal(random));
  const kick = Math.sqrt(1 - persistence * persistence);
  const field = new Float32Array(rows * columns);
  return {
    next() {
      field.fill(0);
      for (let k = 0; k < PATTERNS; k++) {
        const amplitude = (amplitudes[k] = persistence * amplitudes[k]! + kick * normal(random));
        const values = patterns[k]!;
        const weight = amplitude / Math.sqrt(PATTERNS);
        for (let i = 0; i < field.length; i++) field[i] = field[i]! + weight * values[i]!;
      }
      return field;
    },
  };
}

function pattern(rows: number, columns: number, random: Random): Float32Array {
  const out = new Float32Array(rows * columns);
  for (const [around, weight] of OCTAVES) addOctave(out, rows, columns, around, weight, random);
  let square = 0;
  for (const value of out) square += value * value;
  const scale = 1 / Math.sqrt(square / out.length);
  for (let row = 0; row < rows; row++) {
    // Meridians meet at the poles: what differs along a parallel must fade there.
    const taper = scale * Math.sqrt(Math.cos(((row + 0.5) / rows - 0.5) * Math.PI));
    for (let i = row * columns; i < (row + 1) * columns; i++) out[i] = out[i]! * taper;
  }
  return out;
}

/** Value noise: random numbers on a lattice, joined smoothly, closed around the globe. */
function addOctave(
  out: Float32Array,
  rows: number,
  columns: number,
  around: number,
  weight: number,
  random: Random,
): void {
  const down = around >> 1;
  const lattice = Float32Array.from({ length: around * (down + 2) }, () => (random() * 2 - 1) * weight);
  for (let row = 0; row < rows; row++) {
    const y = (row / rows) * down;
    const y0 = Math.floor(y);
    const v = smooth(y - y0);
    for (let column = 0; column < columns; column++) {
      const x = (column / columns) * around;
      const x0 = Math.floor(x);
      const x1 = (x0 + 1) % around;
      const u = smooth(x - x0);
      const south = lattice[y0 * around + x0]! * (1 - u) + lattice[y0 * around + x1]! * u;
      const north = lattice[(y0 + 1) * around + x0]! * (1 - u) + lattice[(y0 + 1) * around + x1]! * u;
      out[row * columns + column]! += south * (1 - v) + north * v;
    }
  }
}

function smooth(t: number): number {
  return t * t * (3 - 2 * t);
}
