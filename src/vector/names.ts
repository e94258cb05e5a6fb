import type { Field } from "./feature.ts";

/** A name that no field has, whatever the case of its letters. */
export function freeName(name: string, fields: readonly Field[]): string {
  const taken = new Set(fields.map((field) => field.name.toLowerCase()));
  return numbered(name, taken);
}

/** Names of fields for formats in which `a` and `A` are the same: one of them gets a number. */
export function distinctNames(fields: readonly Field[]): readonly string[] {
  const taken = new Set<string>();
  return fields.map(({ name }) => {
    const distinct = numbered(name, taken);
    taken.add(distinct.toLowerCase());
    return distinct;
  });
}

function numbered(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let n = 2; taken.has(free.toLowerCase()); n++) free = `${name}_${n}`;
  return free;
}
