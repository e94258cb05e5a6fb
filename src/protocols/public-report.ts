import type { Dataset } from "../core/array.ts";
import type { CubeReport } from "../core/cube.ts";
import { publicSource, publicText } from "../core/public-source.ts";

/**
 * What is wrong with a dataset, and how the members of a cube fit together, for everybody's eyes: without the folders
 * that lead to the archive and without what may be a secret, as the node's problems are shown.
 */
export function publicReport(
  { cube, problems = [] }: Pick<Dataset, "cube" | "problems">,
  roots?: readonly URL[],
): { readonly problems: readonly string[]; readonly cube?: CubeReport } {
  const shown = problems.map((text) => publicText(text, roots));
  return cube === undefined ? { problems: shown } : { problems: shown, cube: publicCube(cube, roots) };
}

function publicCube(cube: CubeReport, roots?: readonly URL[]): CubeReport {
  const variables = cube.variables.map((variable) => ({
    ...variable,
    differences: variable.differences.map(({ property, found }) => ({
      property,
      found: found.map((one) => ({ ...one, example: publicSource(one.example, roots) })),
    })),
  }));
  const overlaps = cube.overlaps.map((overlap) => ({ ...overlap, source: publicSource(overlap.source, roots) }));
  const left = cube.left.map(({ source, reason }) => ({
    source: publicSource(source, roots),
    reason: publicText(reason, roots),
  }));
  return { ...cube, variables, overlaps, left };
}
