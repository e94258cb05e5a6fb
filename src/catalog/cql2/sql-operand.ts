import { MAX_MAGNITUDE, MAX_POWER, MIN_MAGNITUDE } from "./arithmetic.ts";
import { bareName, isCoverage, kindOf } from "./domain.ts";
import type { ArithmeticOp, Expression, Operand } from "./expression.ts";
import { ACCENTS, FOLDED_LETTERS, foldAccents, foldCase, LETTERS, LONGER, LONGER_FOLDED } from "./folding.ts";
import type { Box } from "./geometry.ts";
import { DAY_MILLIS, INSTANT_PATTERN, MAX_INSTANT, writeInstant } from "./instant.ts";

/** Binds a value and answers its `$n`. */
export type Bind = (value: unknown) => string;

/** SQL of what the table of items holds. */
export interface Columns {
  readonly id: string;
  readonly collection: string;
  /** `tstzrange`, both ends included: what an item covers, its instant or its start to end; null without any. */
  readonly span: string;
  /** `jsonb`: all properties. */
  readonly properties: string;
  /** Null for an item without a geometry. */
  readonly geometry: string;
  /** True of every item whose footprint meets the box, and perhaps of others. */
  meets(box: Box, bind: Bind): string;
}

/** Null, of the type. */
const NULL = { text: "null::text", numeric: "null::numeric", boolean: "null::boolean", jsonb: "null::jsonb" };

/** Writes operands as SQL. Whatever a client or an item says, no cast can fail: what is of another type is null. */
export class SqlOperands {
  readonly #columns: Columns;
  readonly #bind: Bind;
  readonly #texts = new Map<string, string>();
  /** Whether an expression is true, as a SQL value of three states. */
  readonly #truth: (expression: Expression) => string;

  constructor(columns: Columns, bind: Bind, truth: (expression: Expression) => string) {
    this.#columns = columns;
    this.#bind = bind;
    this.#truth = truth;
  }

  /** The stored JSON of a property; SQL null when there is none. */
  json(name: string): string {
    return `(${this.#columns.properties} -> ${this.#shared(bareName(name))})`;
  }

  /** A text that comes again and again is bound once: a statement has 65,535 parameters at most. */
  #shared(text: string): string {
    const bound = this.#texts.get(text) ?? `${this.#bind(text)}::text`;
    this.#texts.set(text, bound);
    return bound;
  }

  text(operand: Operand): string {
    switch (operand.kind) {
      case "literal":
        return typeof operand.value === "string" ? `${this.#bind(operand.value)}::text` : NULL.text;
      case "property": {
        const name = bareName(operand.name);
        if (name === "id" || name === "collection") return this.#columns[name];
        const json = this.json(name);
        return `(case jsonb_typeof(${json}) when 'string' then ${json} #>> '{}' end)`;
      }
      case "casei":
      case "accenti":
        return this.#folded(operand.kind, operand.operand);
      default:
        return NULL.text;
    }
  }

  #folded(kind: "casei" | "accenti", operand: Operand): string {
    const constant = constantText({ kind, operand });
    if (constant !== undefined) return `${this.#bind(constant)}::text`;
    const text = this.text(operand);
    if (kind === "accenti") return `regexp_replace(normalize(${text}, NFD), '${ACCENTS}', '', 'g')`;
    const small = (of: string): string => `lower(${of} collate "C")`;
    const folded = (of: string): string =>
      `translate(${small(of)}, ${this.#shared(LETTERS)}, ${this.#shared(FOLDED_LETTERS)})`;
    const longer = `(select string_agg(coalesce(${this.#shared(LONGER_FOLDED)}::jsonb ->> c, c), '' order by n)
      from string_to_table(t, null) with ordinality as characters(c, n))`;
    // Most texts are ASCII, and are soon done with.
    return `(select case when octet_length(t) = length(t) then ${small("t")}
      when t ~ ${this.#shared(LONGER)} then ${folded(longer)} else ${folded("t")} end
      from (select ${text} as t offset 0) as said)`;
  }

  number(operand: Operand): string {
    switch (operand.kind) {
      case "literal":
        return typeof operand.value === "number" ? `${this.#bind(String(operand.value))}::numeric` : NULL.numeric;
      case "property": {
        if (kindOf(operand) !== undefined) return NULL.numeric;
        const json = this.json(operand.name);
        return `(case jsonb_typeof(${json}) when 'number' then ${json}::numeric end)`;
      }
      case "arithmetic":
        return this.#calculated(operand.op, this.number(operand.left), this.number(operand.right));
      default:
        return NULL.numeric;
    }
  }

  /** `offset 0` keeps the planner from writing a side out at each of its uses, which nests. */
  #calculated(op: ArithmeticOp, left: string, right: string): string {
    const isUsable = (side: string): string =>
      `(${side} = 0 or abs(${side}) between ${MIN_MAGNITUDE}::numeric and ${MAX_MAGNITUDE}::numeric)`;
    const doubles = `(select l::float8 as a, r::float8 as b from (select ${left} as l, ${right} as r offset 0) as sides
      where ${isUsable("l")} and ${isUsable("r")} offset 0)`;
    return `(select (${CALCULATIONS[op]})::numeric from ${doubles} as usable)`;
  }

  boolean(operand: Operand): string {
    switch (operand.kind) {
      case "literal":
        return typeof operand.value === "boolean" ? String(operand.value) : NULL.boolean;
      case "property": {
        if (kindOf(operand) !== undefined) return NULL.boolean;
        const json = this.json(operand.name);
        return `(case jsonb_typeof(${json}) when 'boolean' then ${json}::boolean end)`;
      }
      case "predicate":
        return this.#truth(operand.of);
      default:
        return NULL.boolean;
    }
  }

  /** One end of an instant, day or interval. */
  instant(operand: Operand, end: "start" | "end"): string {
    switch (operand.kind) {
      case "instant": {
        const isDay = operand.isDate && end === "end";
        const last = isDay
          ? { at: new Date(operand.at.getTime() + DAY_MILLIS - 1), isDate: false, micros: 999 }
          : operand;
        return `${this.#bind(writeInstant({ ...last, isDate: false }))}::timestamptz`;
      }
      case "interval": {
        const bound = operand[end];
        if (bound === "..") return end === "start" ? "'-infinity'::timestamptz" : "'infinity'::timestamptz";
        return this.instant(bound, end);
      }
      default:
        if (isCoverage(operand)) return `${end === "start" ? "lower" : "upper"}(${this.#columns.span})`;
        return this.#readInstant(this.text(operand), end);
    }
  }

  /** As `readInstant` reads it. Plain timestamps are added up, since the session's zone would shift others. */
  #readInstant(text: string, end: "start" | "end"): string {
    const sum = `make_timestamp(m[1]::int, 1, 1, 0, 0, 0)
      + make_interval(months => m[2]::int - 1)
      + make_interval(days => m[3]::int - 1)
      + make_interval(hours => coalesce(m[4], '0')::int, mins => coalesce(m[5], '0')::int)
      + make_interval(secs => (coalesce(m[6], '0') || '.' || coalesce(m[7], '0'))::float8)
      - case when m[8] ~ '[+-]' then m[8]::interval else interval '0' end`;
    const day =
      end === "end"
        ? ` + case when m[4] is null then interval '1 day' - interval '1 microsecond' else interval '0' end`
        : "";
    return `(select (${sum}${day}) at time zone 'UTC'
      from (select ${text} as t offset 0) as said, regexp_match(case when length(t) <= ${MAX_INSTANT} then t end, ${this.#shared(INSTANT_PATTERN)}) as m)`;
  }

  array(operand: Operand): string {
    if (operand.kind === "property") {
      const json = this.json(operand.name);
      return `(case jsonb_typeof(${json}) when 'array' then ${json} end)`;
    }
    if (operand.kind !== "array") return NULL.jsonb;
    const constant = constantArray(operand);
    if (constant !== undefined) return `${this.#bind(JSON.stringify(constant))}::jsonb`;
    // In pieces: a function takes 100 arguments.
    const elements = operand.items.map((item) => `jsonb_build_array(${this.#element(item)})`);
    return `(${elements.join(" || ")})`;
  }

  #element(operand: Operand): string {
    switch (operand.kind) {
      case "literal":
        return `${this.#bind(JSON.stringify(operand.value))}::jsonb`;
      case "property": {
        const name = bareName(operand.name);
        return name === "id" || name === "collection" ? `to_jsonb(${this.#columns[name]})` : this.json(name);
      }
      case "arithmetic":
        return `to_jsonb(${this.number(operand)})`;
      case "predicate":
        return `to_jsonb(${this.#truth(operand.of)})`;
      default:
        return NULL.jsonb;
    }
  }

  /** Whether an operand has no value, never null. */
  isNull(operand: Operand): string {
    switch (operand.kind) {
      case "property": {
        const name = bareName(operand.name);
        if (name === "id" || name === "collection") return `${this.#columns[name]} is null`;
        if (name === "geometry") return `${this.#columns.geometry} is null`;
        return `coalesce(jsonb_typeof(${this.json(name)}), 'null') = 'null'`;
      }
      case "arithmetic":
        return `${this.number(operand)} is null`;
      case "casei":
      case "accenti":
        return `${this.text(operand)} is null`;
      case "predicate":
        return `${this.#truth(operand.of)} is null`;
      default:
        return "false";
    }
  }
}

/** As `calculate` does it, in binary numbers. */
const CALCULATIONS: Readonly<Record<ArithmeticOp, string>> = {
  "+": "a + b",
  "-": "a - b",
  "*": "a * b",
  "/": "a / nullif(b, 0)",
  div: "trunc(a / nullif(b, 0))",
  "%": "a - b * trunc(a / nullif(b, 0))",
  "^": `case
    when a = 0 then case when b > 0 then 0::float8 when b = 0 then 1 end
    when a < 0 and b <> trunc(b) then null
    when abs(b * ln(abs(a))) <= ${MAX_POWER} then power(a, b) end`,
};

/** The values of an array of constants. */
export function constantArray(operand: Operand): readonly (string | number | boolean)[] | undefined {
  if (operand.kind !== "array") return undefined;
  const values = operand.items.flatMap((item) => (item.kind === "literal" ? [item.value] : []));
  return values.length === operand.items.length ? values : undefined;
}

function constantText(operand: Operand): string | undefined {
  if (operand.kind === "literal") return typeof operand.value === "string" ? operand.value : undefined;
  if (operand.kind !== "casei" && operand.kind !== "accenti") return undefined;
  const text = constantText(operand.operand);
  return text === undefined ? undefined : operand.kind === "casei" ? foldCase(text) : foldAccents(text);
}
