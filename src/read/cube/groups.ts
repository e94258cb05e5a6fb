import type { Attrs, Dataset, Dimension } from "../../core/array.ts";
import { scopesOf } from "../../core/axes.ts";
import type { CubePlan } from "./plan.ts";

/** The first member's groups and dimensions in the sizes that the cube has, and those that only other members have. */
export function groupsOf(base: Dataset, plan: CubePlan): Pick<Dataset, "dimensions" | "groups"> {
  const groups = new Map<string, { readonly attrs: Attrs; readonly dimensions: Map<string, Dimension> }>();
  for (const [path, { attrs, dimensions }] of [["", base] as const, ...base.groups]) {
    groups.set(path, { attrs, dimensions: new Map(dimensions) });
  }
  for (const [name, { spec }] of plan.variables) {
    const scopes = scopesOf(name);
    for (const path of scopes.toReversed()) {
      if (!groups.has(path)) groups.set(path, { attrs: new Map(), dimensions: new Map() });
    }
    for (const [i, dim] of spec.dims.entries()) {
      const home = scopes.find((path) => groups.get(path)!.dimensions.has(dim)) ?? scopes[0]!;
      const { dimensions } = groups.get(home)!;
      const unlimited = plan.dimensions.get(dim)?.unlimited ?? dimensions.get(dim)?.unlimited ?? false;
      // A path names a dimension that a nearer one hides; whoever sees it plainly states its size.
      if (!dim.startsWith("/")) dimensions.set(dim, { size: spec.shape[i]!, unlimited });
    }
  }
  const root = groups.get("")!;
  groups.delete("");
  return { dimensions: root.dimensions, groups };
}
