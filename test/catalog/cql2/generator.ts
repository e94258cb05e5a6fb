import type { Expression, Operand } from "../../../src/catalog/cql2/expression.ts";
import { boxGeometry } from "../../../src/catalog/cql2/geometry.ts";
import { parseLiteral } from "../../../src/catalog/cql2/instant.ts";
import {
  ARITHMETIC_OPS,
  ARRAY_OPS,
  COMPARE_OPS,
  SPATIAL_OPS,
  TEMPORAL_OPS,
} from "../../../src/catalog/cql2/operators.ts";
import type { StacItem } from "../../../src/core/stac.ts";

/** Numbers of 0 to 1 from a seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const STRINGS = [
  "",
  "a",
  "Ab",
  "ÄB",
  "äb",
  "ab",
  "Ärger",
  "σας",
  "ΣΑΣ",
  "é",
  "e\u0301",
  "10",
  "it's",
  "50%",
  "a_b",
  "\u{1f600}",
  "\uffee",
  "x\\y",
];
const INSTANTS = [
  "2000-01-01T00:00:00Z",
  "2000-01-01T12:00:00.5Z",
  "2000-01-02T01:00:00+02:00",
  "2000-06-30",
  "2000-01-01",
  "1850-03-31T23:59:59Z",
  "2000-01-01T00:00:00.000001Z",
  "2000-02-30",
  "0001-01-01T00:00:00Z",
];
const NUMBERS = [0, 1, -1, 2.5, 0.1, 0.2, 0.3, 3, 10, -7.25, 1e21, 1e200, 1e-200, 123456789.123, 2 ** 53];
const NAMES = ["a", "b", "n:x", "list", "when", "until", "properties.a"];

/** Makes items and expressions over the same few values, so that they meet. */
export class Generator {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = random(seed);
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#next() * from.length)]!;
  }

  #chance(of: number): boolean {
    return this.#next() < of;
  }

  item(id: string): StacItem {
    const properties: Record<string, unknown> = {};
    for (const name of ["a", "b", "n:x"]) {
      if (this.#chance(0.85)) properties[name] = this.#value();
    }
    if (this.#chance(0.8)) properties.list = Array.from({ length: Math.floor(this.#next() * 4) }, () => this.#value());
    if (this.#chance(0.8)) properties.when = this.pick(INSTANTS);
    if (this.#chance(0.8)) properties.until = this.pick([...INSTANTS, "no time", null]);
    const spans = INSTANTS.filter((text) => text.length > 10);
    const span = [this.pick(spans), this.pick(spans)].sort((x, y) => Date.parse(x) - Date.parse(y));
    const hasInstant = this.#chance(0.4);
    return {
      type: "Feature",
      stac_version: "1.1.0",
      id,
      collection: this.pick(["one", "two", "Three"]),
      geometry: this.#chance(0.1) ? null : this.#geometry(),
      properties: {
        ...properties,
        datetime: hasInstant ? this.pick(spans) : null,
        ...(hasInstant ? {} : { start_datetime: span[0]!, end_datetime: span[1]! }),
      },
      links: [],
      assets: {},
    } as StacItem;
  }

  #value(): unknown {
    const kind = this.#next();
    if (kind < 0.35) return this.pick(NUMBERS);
    if (kind < 0.7) return this.pick(STRINGS);
    if (kind < 0.8) return this.#chance(0.5);
    if (kind < 0.88) return this.pick(INSTANTS);
    return this.pick<unknown>([null, [1, "a"], { k: 1 }, []]);
  }

  #geometry(): NonNullable<StacItem["geometry"]> {
    const corner = (): number => Math.floor(this.#next() * 7) * 10 - 30;
    const [x, y] = [corner(), corner()];
    return this.pick([
      { type: "Point", coordinates: [x, y] } as const,
      {
        type: "LineString",
        coordinates: [
          [x, y],
          [x + 10, y + 10],
        ],
      } as const,
      boxGeometry([x, y, x + 20, y + 10]),
      {
        type: "Polygon",
        coordinates: [
          [
            [x, y],
            [x + 20, y],
            [x, y + 20],
            [x, y],
          ],
        ],
      } as const,
      {
        type: "MultiPoint",
        coordinates: [
          [x, y],
          [x + 5, y],
        ],
      } as const,
    ]);
  }

  expression(depth = 3): Expression {
    const kind = depth > 0 ? this.#next() : 0.5 + this.#next() / 2;
    if (kind < 0.2)
      return { kind: this.pick(["and", "or"]), of: [this.expression(depth - 1), this.expression(depth - 1)] };
    if (kind < 0.35) return { kind: "not", of: this.expression(depth - 1) };
    if (kind < 0.38) return { kind: "boolean", value: this.#chance(0.5) };
    if (kind < 0.65)
      return { kind: "compare", op: this.pick(COMPARE_OPS), left: this.#scalar(depth), right: this.#scalar(depth) };
    if (kind < 0.71) return { kind: "like", value: this.#text(), pattern: this.#pattern() };
    if (kind < 0.75)
      return { kind: "between", value: this.#scalar(depth), low: this.#number(depth), high: this.#number(depth) };
    if (kind < 0.8) return { kind: "in", value: this.#scalar(depth), list: [this.#scalar(depth), this.#literal()] };
    if (kind < 0.84)
      return {
        kind: "isNull",
        value: this.#chance(0.2) ? { kind: "property", name: "geometry" } : this.#scalar(depth),
      };
    if (kind < 0.9) return { kind: "temporal", op: this.pick(TEMPORAL_OPS), left: this.#time(), right: this.#time() };
    if (kind < 0.96) return { kind: "array", op: this.pick(ARRAY_OPS), left: this.#array(), right: this.#array() };
    return {
      kind: "spatial",
      op: this.pick(SPATIAL_OPS),
      left: { kind: "property", name: "geometry" },
      right: this.#area(),
    };
  }

  #property(): Operand {
    return { kind: "property", name: this.pick(NAMES) };
  }

  #literal(): Operand {
    const value = this.pick<string | number | boolean>([
      this.pick(STRINGS),
      this.pick(NUMBERS),
      true,
      this.pick(INSTANTS),
    ]);
    return { kind: "literal", value };
  }

  #scalar(depth: number): Operand {
    const kind = this.#next();
    if (kind < 0.45) return this.#property();
    if (kind < 0.65) return this.#literal();
    if (kind < 0.75) return this.#number(depth);
    if (kind < 0.82) return this.#text();
    if (kind < 0.95)
      return this.pick([
        this.#instant(),
        { kind: "property", name: this.pick(["datetime", "id", "collection", "start_datetime"]) },
      ]);
    return { kind: "predicate", of: this.expression(0) };
  }

  #number(depth: number): Operand {
    if (depth <= 0 || this.#chance(0.4))
      return this.#chance(0.5) ? this.#property() : { kind: "literal", value: this.pick(NUMBERS) };
    return {
      kind: "arithmetic",
      op: this.pick(ARITHMETIC_OPS),
      left: this.#number(depth - 1),
      right: this.#number(depth - 1),
    };
  }

  #text(): Operand {
    const inner: Operand = this.#chance(0.7) ? this.#property() : { kind: "literal", value: this.pick(STRINGS) };
    if (this.#chance(0.3)) return inner;
    const folded: Operand = { kind: this.pick(["casei", "accenti"]), operand: inner };
    return this.#chance(0.3) ? { kind: this.pick(["casei", "accenti"]), operand: folded } : folded;
  }

  #pattern(): Operand {
    const value = this.pick(["%", "a%", "_b", "%b%", "Ä_", "a\\_b", "50\\%", "%\\\\%", "", "e%", "_", "Σ%"]);
    return this.#chance(0.4)
      ? { kind: this.pick(["casei", "accenti"]), operand: { kind: "literal", value } }
      : { kind: "literal", value };
  }

  #instant(): Operand {
    const text = this.pick(INSTANTS.filter((each) => each !== "2000-02-30"));
    return { kind: "instant", ...parseLiteral(text)! };
  }

  #time(): Operand {
    const kind = this.#next();
    if (kind < 0.3) return { kind: "property", name: "datetime" };
    if (kind < 0.4) return { kind: "property", name: this.pick(["when", "until", "a"]) };
    if (kind < 0.6) return this.#instant();
    if (kind < 0.8)
      return { kind: "interval", start: { kind: "property", name: "when" }, end: { kind: "property", name: "until" } };
    const [start, end] = [this.#instant(), this.#instant()];
    const isRight = start.kind === "instant" && end.kind === "instant" && start.at <= end.at;
    return {
      kind: "interval",
      start: this.#chance(0.2) || !isRight ? ".." : start,
      end: this.#chance(0.2) ? ".." : end,
    };
  }

  #array(): Operand {
    if (this.#chance(0.5)) return { kind: "property", name: this.pick(["list", "list", "a"]) };
    return {
      kind: "array",
      items: Array.from({ length: 2 }, () => (this.#chance(0.2) ? this.#property() : this.#literal())),
    };
  }

  #area(): Operand {
    const geometry = this.#geometry();
    if (this.#chance(0.7)) return { kind: "geometry", geometry };
    const bbox = this.pick([
      [-10, -10, 10, 10],
      [170, -20, -20, 30],
      [-180, -90, 180, 90],
    ]);
    return { kind: "geometry", geometry: boxGeometry(bbox), bbox };
  }
}
