import { bareName } from "../cql2/domain.ts";
import type { Expression, Operand } from "../cql2/expression.ts";
import { facet } from "../facets.ts";
import { type Sql, sql } from "../sql.ts";

/** Conditions on `facets` that follow from an expression: from the equalities of which all must hold. */
export function facetsImplied(expression: Expression): Sql[] {
  switch (expression.kind) {
    case "and":
      return expression.of.flatMap((part) => facetsImplied(part));
    case "compare": {
      if (expression.op !== "=") return [];
      const known = facetOf(expression.left, expression.right) ?? facetOf(expression.right, expression.left);
      return known === undefined ? [] : [sql`facets @> array[${known}]`];
    }
    case "in": {
      const known = expression.list.map((one) => facetOf(expression.value, one));
      return known.length > 0 && known.every((one) => one !== undefined) ? [sql`facets && ${known}::text[]`] : [];
    }
    default:
      return [];
  }
}

function facetOf(property: Operand, literal: Operand): string | undefined {
  if (property.kind !== "property" || literal.kind !== "literal") return undefined;
  const name = bareName(property.name);
  // Columns of their own, and times, which are compared as such.
  if (["id", "collection", "geometry", "datetime"].includes(name)) return undefined;
  return facet(name, literal.value);
}
