import { landFraction } from "./land.ts";

/** A regular global grid, south to north and from 0 degrees east, with what lies below it. */
export interface Earth {
  readonly rows: number;
  readonly columns: number;
  /** Cell centres in degrees. */
  readonly latitudes: Float64Array;
  readonly longitudes: Float64Array;
  /** 0 to 1. */
  readonly land: Float32Array;
  /** Metres. */
  readonly elevation: Float32Array;
}

/** Latitude, longitude, height in metres, and the half widths in degrees of the mountains that climate feels. */
const MOUNTAINS: readonly (readonly [number, number, number, number, number])[] = [
  [33, 88, 5000, 6, 13],
  [73, 319, 2700, 9, 14],
  [-82, 60, 3200, 13, 120],
  [-20, 291, 3600, 18, 4],
  [42, 250, 2000, 12, 8],
  [7, 38, 1900, 7, 5],
  [46, 10, 1600, 2.5, 6],
];

export function createEarth(rows: number, columns: number): Earth {
  const latitudes = Float64Array.from({ length: rows }, (_, i) => -90 + ((i + 0.5) * 180) / rows);
  const longitudes = Float64Array.from({ length: columns }, (_, i) => (i * 360) / columns);
  const land = landFraction(rows, columns);
  const elevation = land.map((share, i) => {
    const latitude = latitudes[Math.floor(i / columns)]!;
    const longitude = longitudes[i % columns]!;
    let height = 150;
    for (const [lat, lon, top, ns, ew] of MOUNTAINS) {
      const away = Math.abs(((longitude - lon + 540) % 360) - 180);
      height += top * bell(latitude, lat, ns) * bell(away, 0, ew);
    }
    return share * height;
  });
  return { rows, columns, latitudes, longitudes, land, elevation };
}

/** When a field is valid, and how much warmer than before industry its world is. */
export interface Epoch {
  /** Position in the year, 0 to 1. */
  readonly yearPart: number;
  /** Kelvin. */
  readonly warming: number;
}

/** Fills `out` with a variable's field; `weather` is noise of about unit variance. */
export type Climate = (earth: Earth, epoch: Epoch, weather: Float32Array, out: Float32Array) => void;

/** What a field says where it has no value: CMIP6's missing value. */
export const MISSING = Math.fround(1e20);

function bell(value: number, centre: number, width: number): number {
  const x = (value - centre) / width;
  return Math.exp(-x * x);
}

/** 1 in mid July, -1 in mid January. */
function season({ yearPart }: Epoch): number {
  return Math.cos(2 * Math.PI * (yearPart - 0.54));
}

const temperature: Climate = (earth, epoch, weather, out) => {
  const { columns, latitudes, land, elevation } = earth;
  const summer = season(epoch);
  for (let i = 0; i < out.length; i++) {
    const sine = Math.sin((latitudes[Math.floor(i / columns)]! * Math.PI) / 180);
    const share = land[i]!;
    const zonal = 300.6 - (48 - 7 * (1 - share)) * sine * sine;
    const seasonal = summer * sine * (5 + 17 * share);
    const warming = epoch.warming * (0.8 + 0.4 * share + (sine > 0 ? 1.6 : 0.5) * sine * sine * sine * sine);
    const noise = weather[i]! * (0.5 + 2.6 * Math.abs(sine)) * (0.6 + 0.6 * share);
    out[i] = zonal + seasonal - elevation[i]! * 0.0065 + warming + noise;
  }
};

const precipitation: Climate = (earth, epoch, weather, out) => {
  const { columns, latitudes, land } = earth;
  const summer = season(epoch);
  for (let row = 0; row < latitudes.length; row++) {
    const latitude = latitudes[row]!;
    const away = Math.abs(latitude);
    const convergence = 11 * bell(latitude, 4 + 9 * summer, 7);
    const storms = 5 * bell(away, 46, 14) * (1 - 0.3 * summer * Math.sign(latitude));
    const desert = 0.8 * bell(away, 24, 9);
    for (let i = row * columns; i < (row + 1) * columns; i++) {
      const share = land[i]!;
      const perDay = (0.5 + convergence + storms * (1 - 0.35 * share)) * (1 - desert * (0.35 + 0.65 * share));
      out[i] = (perDay * Math.exp(0.75 * weather[i]! + 0.03 * epoch.warming)) / 86400;
    }
  }
};

const pressure: Climate = (earth, epoch, weather, out) => {
  const { columns, latitudes, land } = earth;
  const summer = season(epoch);
  for (let row = 0; row < latitudes.length; row++) {
    const latitude = latitudes[row]!;
    const away = Math.abs(latitude);
    const sine = Math.sin((latitude * Math.PI) / 180);
    const zonal = 101150 + 900 * bell(away, 31, 11) - (latitude < 0 ? 2600 : 900) * bell(away, 64, 11);
    for (let i = row * columns; i < (row + 1) * columns; i++) {
      const monsoon = -summer * sine * (land[i]! * 1100 - 250);
      out[i] = zonal + monsoon + weather[i]! * (120 + 620 * Math.abs(sine));
    }
  }
};

const surfaceOcean: Climate = (earth, epoch, weather, out) => {
  const { columns, latitudes, land } = earth;
  const summer = season(epoch);
  for (let row = 0; row < latitudes.length; row++) {
    const sine = Math.sin((latitudes[row]! * Math.PI) / 180);
    const zonal = 28.4 - 36 * sine * sine + summer * sine * 4.5 + 0.7 * epoch.warming;
    for (let i = row * columns; i < (row + 1) * columns; i++) {
      out[i] = land[i]! > 0.5 ? MISSING : Math.max(-1.8, zonal + 0.8 * weather[i]!);
    }
  }
};

const wind: Climate = (earth, _epoch, weather, out) => {
  const { columns, latitudes, land } = earth;
  for (let row = 0; row < latitudes.length; row++) {
    const away = Math.abs(latitudes[row]!);
    const zonal = 5.2 + (latitudes[row]! < 0 ? 5.5 : 3.5) * bell(away, 50, 13) + 2 * bell(away, 15, 9);
    for (let i = row * columns; i < (row + 1) * columns; i++) {
      out[i] = Math.max(0.3, zonal * (1 - 0.45 * land[i]!) + 1.3 * weather[i]!);
    }
  }
};

/** Fields by CMIP6 variable id. */
export const CLIMATES = {
  tas: temperature,
  pr: precipitation,
  tos: surfaceOcean,
  psl: pressure,
  sfcWind: wind,
} as const;

/** Rounds to `keep` bits of the mantissa, as archives do: digits beyond the signal cost space. */
export function keepBits(values: Float32Array, keep: number): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const drop = 23 - keep;
  const half = 1 << (drop - 1);
  for (let i = 0; i < bits.length; i++) {
    if (values[i] !== MISSING) bits[i] = ((bits[i]! + half) >>> drop) << drop;
  }
}
