import { numbered, type Sql } from "../sql.ts";
import { domainOf, instantFrom, isCoverage, kindOf, spelledOut } from "./domain.ts";
import type { CompareOp, Expression, Operand } from "./expression.ts";
import { boxesOf } from "./geometry.ts";
import { NEGATED } from "./operators.ts";
import { hasSpatial, operandsOf } from "./spatial.ts";
import { costOf, MAX_COST } from "./sql-cost.ts";
import { type Columns, constantArray, SqlOperands } from "./sql-operand.ts";
import { relationOf } from "./temporal.ts";

export type { Bind, Columns } from "./sql-operand.ts";

export interface SqlCondition {
  /** True of all items that fulfil the expression. */
  readonly condition: Sql;
  /** True of no others; else `createMatcher` decides. */
  readonly isExact: boolean;
}

/** An expression as a condition on rows of items. Everything that a client sent is bound. */
export function toSql(expression: Expression, columns: Columns): SqlCondition {
  const writer = new Writer(columns);
  const text = writer.when(expression, true);
  return { condition: numbered(text, writer.values), isExact: writer.isExact };
}

type Predicate = Extract<Expression, { kind: "compare" | "like" | "isNull" | "temporal" | "array" }>;

/**
 * Writes where an expression is true, and where it is false; where it is neither it is unknown, and so NOT needs no
 * three-valued logic of SQL: NULL in what is written counts as false at every place.
 */
class Writer {
  readonly values: unknown[] = [];
  isExact = true;
  #cost = 0;
  #isInValue = false;
  readonly #columns: Columns;
  readonly #operands: SqlOperands;
  readonly #bind = (value: unknown): string => `$${this.values.push(value)}`;

  constructor(columns: Columns) {
    this.#columns = columns;
    this.#operands = new SqlOperands(columns, this.#bind, (of) => this.#truth(of));
  }

  when(expression: Expression, wanted: boolean): string {
    switch (expression.kind) {
      case "and":
      case "or":
        return join(
          expression.of.map((part) => this.when(part, wanted)),
          (expression.kind === "and") === wanted ? "and" : "or",
        );
      case "not":
        return this.when(expression.of, !wanted);
      case "boolean":
        return String(expression.value === wanted);
      case "between":
      case "in":
        return this.when(spelledOut(expression), wanted);
      case "spatial":
        return this.#spatial(expression, wanted);
      default:
        return this.#predicate(expression, wanted);
    }
  }

  #predicate(expression: Predicate, wanted: boolean): string {
    // A box that meets tells nothing of what is compared with it. Within a value nothing may be left out.
    if (!this.#isInValue && (operandsOf(expression).some(hasSpatial) || !this.#affords(expression))) {
      this.isExact = false;
      return "true";
    }
    switch (expression.kind) {
      case "compare":
        return this.#compare(wanted ? expression.op : NEGATED[expression.op], expression.left, expression.right);
      case "like": {
        const [text, pattern] = [this.#operands.text(expression.value), this.#operands.text(expression.pattern)];
        return `${text} collate "C" ${wanted ? "like" : "not like"} ${pattern}`;
      }
      case "isNull": {
        const isNull = this.#operands.isNull(expression.value);
        return wanted ? `(${isNull})` : `not (${isNull})`;
      }
      case "temporal":
        return this.#related(expression.op, expression.left, expression.right, wanted);
      case "array":
        return this.#arrays(expression, wanted);
    }
  }

  #affords(expression: Expression): boolean {
    const cost = this.#cost + costOf(expression);
    if (cost > MAX_COST) return false;
    this.#cost = cost;
    return true;
  }

  /** A condition as a value of three states. */
  #truth(expression: Expression): string {
    const outer = this.#isInValue;
    this.#isInValue = true;
    const truth = `(case when ${this.when(expression, true)} then true when ${this.when(expression, false)} then false end)`;
    this.#isInValue = outer;
    return truth;
  }

  #compare(op: CompareOp, left: Operand, right: Operand): string {
    const domain = domainOf(left, right);
    switch (domain) {
      case "never":
        return "false";
      case "instant":
        return this.#related(op, instantFrom(left), instantFrom(right), true);
      case "items":
        return this.#compareItems(op, left, right);
    }
    const equal = op === "=" ? (this.#stored(left, right) ?? this.#stored(right, left)) : undefined;
    if (equal !== undefined) return equal;
    const collation = domain === "text" ? ' collate "C"' : "";
    return `(${this.#operands[domain](left)}${collation} ${op} ${this.#operands[domain](right)})`;
  }

  /** A property that equals a constant: stored numbers and texts need no conversion. */
  #stored(property: Operand, literal: Operand): string | undefined {
    if (property.kind !== "property" || literal.kind !== "literal" || kindOf(property) !== undefined) return undefined;
    const json = this.#operands.json(property.name);
    return `(${json} = ${this.#bind(JSON.stringify(literal.value))}::jsonb)`;
  }

  /** Two properties of which only their values tell the kind. */
  #compareItems(op: CompareOp, left: Operand, right: Operand): string {
    const instants = this.#related(op, left, right, true);
    const both = `${this.#operands.instant(left, "start")} is not null and ${this.#operands.instant(right, "start")} is not null`;
    const others = (["number", "boolean", "text"] as const).map((domain) => {
      const collation = domain === "text" ? ' collate "C"' : "";
      return `${this.#operands[domain](left)}${collation} ${op} ${this.#operands[domain](right)}`;
    });
    return `(case when ${both} then ${instants} else coalesce(${others.join(", ")}) end)`;
  }

  #related(op: Parameters<typeof relationOf>[0], left: Operand, right: Operand, wanted: boolean): string {
    const { relation, isNegated } = relationOf(op);
    const ends = {
      aStart: (): string => this.#operands.instant(left, "start"),
      aEnd: (): string => this.#operands.instant(left, "end"),
      bStart: (): string => this.#operands.instant(right, "start"),
      bEnd: (): string => this.#operands.instant(right, "end"),
    };
    if (isNegated === wanted)
      return join(
        relation.map(([a, is, b]) => `${ends[a]()} ${NEGATED[is]} ${ends[b]()}`),
        "or",
      );
    const conditions = relation.map(([a, is, b]) => `${ends[a]()} ${is} ${ends[b]()}`);
    return join([...this.#covered(op, left, right), ...conditions], "and");
  }

  /** What an index on the span of items can find. Relations that leave no overlap have another form already. */
  #covered(op: string, left: Operand, right: Operand): readonly string[] {
    if (!isCoverage(left) || (right.kind !== "instant" && right.kind !== "interval")) return [];
    const bounds = right.kind === "interval" ? [right.start, right.end] : [];
    if (bounds.some((bound) => bound !== ".." && bound.kind !== "instant")) return [];
    const isOpenStart = op === "<" || op === "<=" || op === "t_before";
    const isOpenEnd = op === ">" || op === ">=" || op === "t_after";
    const start = isOpenStart ? "null" : this.#operands.instant(right, "start");
    const end = isOpenEnd ? "null" : this.#operands.instant(right, "end");
    return [`${this.#columns.span} && tstzrange(${start}, ${end}, '[]')`];
  }

  #arrays({ op, left, right }: Extract<Expression, { kind: "array" }>, wanted: boolean): string {
    const [a, b] = [this.#operands.array(left), this.#operands.array(right)];
    // Containment of jsonb is that of sets only where no element is itself an array or object.
    const within = (inner: string, outer: string): string =>
      `not exists (select from jsonb_array_elements(${inner}) as i where not exists (select from jsonb_array_elements(${outer}) as o where o.value = i.value))`;
    const contains = constantArray(right) === undefined ? within("b", "a") : "a @> b";
    const conditions = {
      a_contains: contains,
      a_containedby: within("a", "b"),
      a_equals: `${contains} and ${within("a", "b")}`,
      a_overlaps:
        "exists (select from jsonb_array_elements(a) as i, jsonb_array_elements(b) as o where i.value = o.value)",
    };
    return `(select ${wanted ? "" : "not "}(${conditions[op]}) from (select ${a} as a, ${b} as b offset 0) as sides where a is not null and b is not null)`;
  }

  /** Boxes find candidates; the geometries themselves are compared in the process. */
  #spatial({ op, left, right }: Extract<Expression, { kind: "spatial" }>, wanted: boolean): string {
    this.isExact = false;
    const literal = left.kind === "geometry" ? left : right.kind === "geometry" ? right : undefined;
    const isApart = (op === "s_disjoint") === wanted;
    if (literal === undefined || isApart || left.kind === right.kind) return "true";
    return join(
      boxesOf(literal.geometry).map((box) => this.#columns.meets(box, this.#bind)),
      "or",
    );
  }
}

function join(parts: readonly string[], word: "and" | "or"): string {
  if (parts.length === 0) return String(word === "and");
  return parts.length === 1 ? parts[0]! : `(${parts.join(` ${word} `)})`;
}
