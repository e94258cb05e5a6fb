import type { CubeDifference } from "../../core/cube.ts";
import { type Draft, holdersOf, variableNames, withStatedUnits } from "./draft.ts";
import type { KeptValues } from "./member.ts";

/** Variables that do not run over members are those of the first member that has them so. */
export function addUp(draft: Draft): void {
  const along = draft.axis?.isNew === false ? draft.axis.name : "";
  for (const name of variableNames(draft)) {
    if (draft.variables.has(name)) continue;
    const { members } = holdersOf(draft, name);
    // One member's entries along the axis are not the cube's.
    const member = members.find((m) => !draft.members[m]!.variables.get(name)!.spec.dims.includes(along));
    if (member === undefined) continue;
    const summary = draft.members[member]!.variables.get(name)!;
    const { derived } = summary;
    const differences = differingValues(draft, name, members);
    draft.variables.set(name, { kind: "single", spec: withStatedUnits(draft, summary, summary.spec), member });
    draft.reports.set(name, { name, mode: derived ? "decoded" : "raw", missing: 0, differences });
  }
}

/** What the others have is not shown by the cube, so it must be said that it is something else. */
function differingValues(draft: Draft, name: string, members: readonly number[]): CubeDifference[] {
  const found = new Map<string | undefined, { kept: KeptValues | undefined; members: number; example: string }>();
  for (const m of members) {
    const { kept } = draft.members[m]!.variables.get(name)!;
    const known = found.get(kept?.digest);
    if (known === undefined) found.set(kept?.digest, { kept, members: 1, example: draft.members[m]!.source });
    else known.members++;
  }
  if (found.size < 2) return [];
  const shown = [...found.values()].slice(0, 8).map(({ kept, ...rest }) => ({ value: textOf(kept), ...rest }));
  return [{ property: "values", found: shown }];
}

function textOf(kept: KeptValues | undefined): string {
  if (kept === undefined) return "not compared";
  const first = Array.from<number | string>(kept.values.slice(0, 3)).join(", ");
  return kept.values.length > 3 ? `${first}, ...` : first;
}
