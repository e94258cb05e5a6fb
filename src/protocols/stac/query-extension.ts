import { z } from "zod";
import type { Expression, Operand } from "../../catalog/cql2/expression.ts";
import { isName, isStorable, UNNAMED, UNSTORABLE } from "../../catalog/cql2/limits.ts";
import { GyreError } from "../../errors.ts";

const text = z.string().max(2000).refine(isStorable, UNSTORABLE);
const scalar = z.union([text, z.number(), z.boolean()]);
const operators = z
  .strictObject({
    eq: scalar,
    neq: scalar,
    lt: scalar,
    lte: scalar,
    gt: scalar,
    gte: scalar,
    startsWith: text,
    endsWith: text,
    contains: text,
    in: z.array(scalar).min(1).max(1000),
  })
  .partial();
/** The `query` of the Query extension: operators by property. */
export const querySchema = z
  .record(z.string().refine(isName, UNNAMED), operators)
  .refine((q) => Object.keys(q).length <= 100, "names more than 100 properties");

const COMPARISONS = { eq: "=", neq: "<>", lt: "<", lte: "<=", gt: ">", gte: ">=" } as const;

const NUMBER = /^-?\d{1,15}(\.\d{1,15})?$/;

/** The same as a CQL2 expression. */
export function fromQuery(query: z.output<typeof querySchema>): Expression | undefined {
  const all = Object.entries(query).flatMap(([property, ops]) => {
    const name = property.replace(/^properties\./, "");
    return Object.entries(ops).map(([op, value]) => comparison({ kind: "property", name }, op, value));
  });
  return all.length < 2 ? all[0] : { kind: "and", of: all };
}

function comparison(property: Operand, op: string, value: unknown): Expression {
  const literal = (of: unknown): Operand => ({ kind: "literal", value: of as string | number | boolean });
  if (op in COMPARISONS) {
    const compared = (of: unknown): Expression => {
      return { kind: "compare", op: COMPARISONS[op as keyof typeof COMPARISONS], left: property, right: literal(of) };
    };
    // pystac-client and others send numbers as text; a property has but one of the types.
    if (typeof value === "string" && NUMBER.test(value)) {
      return { kind: "or", of: [compared(value), compared(Number(value))] };
    }
    return compared(value);
  }
  const pattern = (text: string): Expression => ({ kind: "like", value: property, pattern: literal(text) });
  const escaped = String(value).replace(/[\\%_]/g, "\\$&");
  switch (op) {
    case "startsWith":
      return pattern(`${escaped}%`);
    case "endsWith":
      return pattern(`%${escaped}`);
    case "contains":
      return pattern(`%${escaped}%`);
    case "in":
      return { kind: "in", value: property, list: (value as readonly unknown[]).map(literal) };
    default:
      throw new GyreError("BadRequest", `query has no operator ${op}`, { subject: op });
  }
}
