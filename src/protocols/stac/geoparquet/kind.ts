import type { Json } from "../../../core/stac.ts";

/** What the values of a column are. */
export type Kind =
  | { readonly type: "boolean" | "integer" | "number" | "text" | "time" | "geometry" | "json" }
  | { readonly type: "list"; readonly of: Kind }
  | { readonly type: "struct"; readonly members: ReadonlyMap<string, Kind> };

type Scalar = "boolean" | "integer" | "number" | "text";

/** Beyond these an object is a table of its own, and is written as JSON. */
const MOST_MEMBERS = 100;
const MOST_LEAVES = 300;
const DEEPEST = 8;

/** Looks at values one after the other, and says at last which one kind holds them all. */
export class KindOf {
  readonly #scalars = new Set<Scalar>();
  readonly #depth: number;
  #element: KindOf | undefined;
  #members: Map<string, KindOf> | undefined;
  #isTooMuch = false;

  constructor(depth = 0) {
    this.#depth = depth;
  }

  add(value: Json | undefined): void {
    if (value === null || value === undefined || this.#isTooMuch) return;
    if (typeof value !== "object") this.#scalars.add(scalarOf(value));
    else if (this.#depth === DEEPEST) this.#isTooMuch = true;
    else if (Array.isArray(value)) this.#addList(value);
    else this.#addMembers(value as { readonly [name: string]: Json });
  }

  /** Undefined: there was never a value. */
  kind(): Kind | undefined {
    const forms = [this.#scalars.size > 0, this.#element, this.#members].filter(Boolean).length;
    if (this.#isTooMuch || forms > 1) return { type: "json" };
    if (this.#element !== undefined) return { type: "list", of: this.#element.kind() ?? { type: "text" } };
    if (this.#members !== undefined) return structOf(this.#members);
    const scalars = [...this.#scalars];
    if (scalars.length < 2) return scalars[0] && { type: scalars[0] };
    return { type: scalars.every((scalar) => scalar === "integer" || scalar === "number") ? "number" : "json" };
  }

  #addList(values: readonly Json[]): void {
    this.#element ??= new KindOf(this.#depth + 1);
    for (const value of values) this.#element.add(value);
  }

  #addMembers(values: { readonly [name: string]: Json }): void {
    this.#members ??= new Map();
    for (const [name, value] of Object.entries(values)) {
      let member = this.#members.get(name);
      if (member === undefined) this.#members.set(name, (member = new KindOf(this.#depth + 1)));
      member.add(value);
    }
    if (this.#members.size <= MOST_MEMBERS) return;
    this.#isTooMuch = true;
    this.#members.clear();
  }
}

/** Parquet has no struct without members. */
function structOf(observed: ReadonlyMap<string, KindOf>): Kind {
  const members = new Map<string, Kind>();
  for (const [name, of] of observed) {
    const kind = of.kind();
    if (kind !== undefined) members.set(name, kind);
  }
  const struct: Kind = { type: "struct", members };
  return members.size === 0 || leavesOf(struct) > MOST_LEAVES ? { type: "json" } : struct;
}

function leavesOf(kind: Kind): number {
  if (kind.type === "list") return leavesOf(kind.of);
  if (kind.type !== "struct") return 1;
  return [...kind.members.values()].reduce((sum, member) => sum + leavesOf(member), 0);
}

function scalarOf(value: string | number | boolean): Scalar {
  if (typeof value === "string") return "text";
  if (typeof value === "boolean") return "boolean";
  return Number.isSafeInteger(value) ? "integer" : "number";
}
