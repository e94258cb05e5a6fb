/**
 * A small part of UDUNITS: enough to see that two members of a cube say the same in other words, or that one must be
 * converted, for the units that gridded Earth data use. What is not understood is only equal to itself.
 */

type Dimensions = Readonly<Record<string, number>>;

/** `value * scale + offset` is the value in base units. */
interface Unit {
  readonly scale: number;
  readonly offset: number;
  /** Powers of base units. */
  readonly dimensions: Dimensions;
}

/** `to = value * scale + offset`. */
export interface Linear {
  readonly scale: number;
  readonly offset: number;
}

const one = (scale: number): Unit => ({ scale, offset: 0, dimensions: {} });
const base = (name: string, scale = 1, offset = 0): Unit => ({ scale, offset, dimensions: { [name]: 1 } });
const derived = (scale: number, dimensions: Dimensions): Unit => ({ scale, offset: 0, dimensions });

const PRESSURE = { kg: 1, m: -1, s: -2 };
const ENERGY = { kg: 1, m: 2, s: -2 };
const DEGREE = Math.PI / 180;

/** Symbols and names; SI prefixes go before those marked below. */
const UNITS: ReadonlyMap<string, Unit> = new Map([
  ...named(base("m"), "m", "meter", "metre"),
  ...named(base("kg", 1e-3), "g", "gram", "gramme"),
  ...named(base("s"), "s", "sec", "second"),
  ...named(base("K"), "K", "kelvin", "degK", "deg_K", "degree_K", "degrees_K", "Kelvin"),
  ...named(base("mol"), "mol", "mole"),
  ...named(base("A"), "A", "ampere"),
  ...named(derived(1, PRESSURE), "Pa", "pascal"),
  ...named(derived(1, ENERGY), "J", "joule"),
  ...named(derived(1, { kg: 1, m: 2, s: -3 }), "W", "watt"),
  ...named(derived(1, { kg: 1, m: 1, s: -2 }), "N", "newton"),
  ...named(derived(1, { s: -1 }), "Hz", "hertz"),
  ...named(derived(1e-3, { m: 3 }), "l", "L", "liter", "litre"),
  ...named(derived(1e5, PRESSURE), "bar"),
  ...named(base("rad"), "rad", "radian"),
]);

const UNPREFIXED: ReadonlyMap<string, Unit> = new Map([
  ...named(base("s", 60), "min", "minute"),
  ...named(base("s", 3600), "h", "hr", "hour"),
  ...named(base("s", 86400), "d", "day"),
  ...named(base("K", 1, 273.15), "degC", "deg_C", "degree_C", "degrees_C", "celsius", "Celsius", "degree_Celsius"),
  ...named(base("K", 1, 273.15), "degree_celsius", "degrees_celsius", "degrees_Celsius", "°C"),
  ...named(base("K", 5 / 9, 273.15 - 160 / 9), "degF", "deg_F", "degree_F", "fahrenheit", "°F"),
  ...named(derived(100, PRESSURE), "mb", "mbar", "millibar"),
  ...named(derived(101325, PRESSURE), "atm", "atmosphere"),
  ...named(base("m", 1852), "nautical_mile", "nmile"),
  ...named(derived(1852 / 3600, { m: 1, s: -1 }), "knot", "kt", "kts"),
  ...named(base("rad", DEGREE), "degree", "deg", "arc_degree", "°"),
  ...named(base("rad", DEGREE), "degrees_north", "degree_north", "degree_N", "degrees_N", "degreeN", "degreesN"),
  ...named(base("rad", DEGREE), "degrees_east", "degree_east", "degree_E", "degrees_E", "degreeE", "degreesE"),
  ...named(one(1), "1", "unitless", "dimensionless", "fraction", "none"),
  ...named(one(0.01), "%", "percent"),
  ...named(one(1e-3), "psu", "PSU", "permille"),
  ...named(one(1e-6), "ppm", "ppmv"),
  ...named(one(1e-9), "ppb", "ppbv"),
  // Geopotential metres are read as metres, as GRIB and its users do.
  ...named(base("m"), "gpm"),
  ...named(derived(1e6, { m: 3, s: -1 }), "Sv", "sverdrup"),
  ...named(derived(1e-5, { m: 1 }), "DU", "dobson"),
]);

const PREFIXES: readonly (readonly [string, number])[] = [
  ...([
    ["micro", 1e-6],
    ["milli", 1e-3],
    ["centi", 1e-2],
    ["hecto", 1e2],
    ["kilo", 1e3],
    ["mega", 1e6],
    ["giga", 1e9],
  ] as const),
  ...([
    ["da", 10],
    ["n", 1e-9],
    ["u", 1e-6],
    ["µ", 1e-6],
    ["μ", 1e-6],
    ["m", 1e-3],
    ["c", 1e-2],
    ["d", 0.1],
  ] as const),
  ...([
    ["h", 1e2],
    ["k", 1e3],
    ["M", 1e6],
    ["G", 1e9],
    ["T", 1e12],
    ["P", 1e15],
  ] as const),
];

function named(unit: Unit, ...names: readonly string[]): [string, Unit][] {
  return names.map((name) => [name, unit]);
}

function lookUp(name: string): Unit | undefined {
  const known = UNITS.get(name) ?? UNPREFIXED.get(name) ?? plural(name);
  if (known !== undefined) return known;
  for (const [prefix, factor] of PREFIXES) {
    if (!name.startsWith(prefix)) continue;
    const rest = name.slice(prefix.length);
    const unit = UNITS.get(rest) ?? (rest.length > 2 && rest.endsWith("s") ? UNITS.get(rest.slice(0, -1)) : undefined);
    if (unit !== undefined) return { ...unit, scale: unit.scale * factor };
  }
  return undefined;
}

function plural(name: string): Unit | undefined {
  if (name.length < 4 || !name.endsWith("s")) return undefined;
  return UNITS.get(name.slice(0, -1)) ?? UNPREFIXED.get(name.slice(0, -1));
}

const FACTOR =
  /^(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)$|^([^\d\s^*/.+-][^\s^*/.+\d-]*(?:_[A-Za-z]+)*)(?:\^|\*\*)?([+-]?\d+)?$/;

/** Reads products and powers: `kg m-2 s-1`, `W/m^2`, `10^-3 kg/kg`, `1e-3`. Undefined: not understood. */
export function parseUnit(text: string): Unit | undefined {
  if (text.length > 200) return undefined;
  const trimmed = text.trim().replaceAll("**", "^");
  if (trimmed === "") return one(1);
  const alone = lookUp(trimmed);
  if (alone !== undefined) return alone;
  let scale = 1;
  const dimensions: Record<string, number> = {};
  for (const [index, part] of trimmed.split("/").entries()) {
    for (const factor of part.trim().split(/[\s*·]+|\.(?!\d)/)) {
      const unit = readFactor(factor);
      if (unit === undefined) return undefined;
      const sign = index === 0 ? 1 : -1;
      scale *= unit.scale ** sign;
      for (const [name, power] of Object.entries(unit.dimensions)) {
        dimensions[name] = (dimensions[name] ?? 0) + sign * power;
      }
    }
  }
  return { scale, offset: 0, dimensions };
}

function readFactor(text: string): Unit | undefined {
  const power = /^10\^([+-]?\d+)$/.exec(text);
  if (power !== null) return one(10 ** Number(power[1]));
  const match = FACTOR.exec(text);
  if (match === null) return undefined;
  if (match[1] !== undefined) return one(Number(match[1]));
  const unit = lookUp(match[2]!);
  if (unit === undefined) return undefined;
  const exponent = Number(match[3] ?? 1);
  // Within a product a temperature is a difference: `degC m-1` is `K m-1`.
  const dimensions = Object.fromEntries(Object.entries(unit.dimensions).map(([name, p]) => [name, p * exponent]));
  return { scale: unit.scale ** exponent, offset: 0, dimensions };
}

/**
 * How values in `from` become values in `to`; undefined when the units differ in kind or are not understood. Nothing
 * physical is assumed: `kg m-2 s-1` and `mm day-1` have no conversion, for that needs the density of water.
 */
export function unitConversion(from: string, to: string): Linear | undefined {
  if (from.trim() === to.trim()) return { scale: 1, offset: 0 };
  const a = parseUnit(from);
  const b = parseUnit(to);
  if (a === undefined || b === undefined || !sameKind(a.dimensions, b.dimensions)) return undefined;
  return { scale: tidy(a.scale / b.scale), offset: tidy((a.offset - b.offset) / b.scale) };
}

/** True when both say the same in other words: `degC` and `celsius`, `W m-2` and `W/m^2`. */
export function sameUnits(a: string, b: string): boolean {
  const conversion = unitConversion(a, b);
  return conversion !== undefined && conversion.scale === 1 && conversion.offset === 0;
}

function sameKind(a: Dimensions, b: Dimensions): boolean {
  return [...Object.keys(a), ...Object.keys(b)].every((name) => (a[name] ?? 0) === (b[name] ?? 0));
}

/** Takes the noise of a division off, so that 1e-3 / 1e-6 is 1000. */
function tidy(value: number): number {
  return Number(value.toPrecision(14));
}
