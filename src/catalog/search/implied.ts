import { bareName } from "../cql2/domain.ts";
import type { Expression, Operand } from "../cql2/expression.ts";
import { facet } from "../facets.ts";
import { and, or, type Sql, sql } from "../sql.ts";

/** Conditions on `facets` that follow from an expression, all of them: from what must equal a constant. */
export function facetsImplied(expression: Expression): Sql[] {
  switch (expression.kind) {
    case "and":
      return expression.of.flatMap((part) => facetsImplied(part));
    case "or": {
      const parts = expression.of.map((part) => facetsImplied(part));
      return parts.length > 0 && parts.every((part) => part.length > 0)
        ? [or(parts.map((part) => sql`(${and(part)})`))]
        : [];
    }
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
