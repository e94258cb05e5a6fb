import type { Fault } from "../../errors.ts";
import { type Format, isFormat } from "./formats.ts";

/** What a part of a document has to be: data, so that profiles can be files. `oneOf` divides its values by `|`. */
export type Shape =
  | {
      readonly kind: "text";
      readonly oneOf?: string;
      readonly pattern?: string;
      readonly format?: Format;
      readonly shortest?: number;
      readonly longest?: number;
    }
  | {
      readonly kind: "number" | "integer";
      readonly least?: number;
      readonly most?: number;
      readonly above?: number;
    }
  | { readonly kind: "boolean" | "any" }
  | {
      readonly kind: "list";
      readonly of?: Shape;
      readonly shortest?: number;
      readonly longest?: number;
      readonly isSet?: boolean;
    }
  | {
      readonly kind: "object";
      readonly required?: readonly string[];
      readonly members?: Readonly<Record<string, Shape>>;
      /** Of members that are not named. */
      readonly others?: Shape;
      readonly least?: number;
    }
  | { readonly kind: "either"; readonly of: readonly Shape[] }
  | { readonly kind: "null" };

/** Patterns are not tried on longer text: what backtracks must not be given time by a client. */
const MAX_MATCHED = 2000;

/** The faults of a value, each at its JSON Pointer. */
export function* faultsOf(value: unknown, shape: Shape, pointer: string): Generator<Fault> {
  switch (shape.kind) {
    case "any":
      return;
    case "null":
      if (value !== null) yield { pointer, detail: "must be null" };
      return;
    case "boolean":
      if (typeof value !== "boolean") yield { pointer, detail: "must be true or false" };
      return;
    case "text":
      return yield* textFaults(value, shape, pointer);
    case "number":
    case "integer":
      return yield* numberFaults(value, shape, pointer);
    case "list":
      return yield* listFaults(value, shape, pointer);
    case "object":
      return yield* objectFaults(value, shape, pointer);
    case "either": {
      const found = shape.of.map((each) => [...faultsOf(value, each, pointer)]);
      if (found.every((faults) => faults.length > 0)) yield found[0]![0]!;
    }
  }
}

function* textFaults(value: unknown, shape: Extract<Shape, { kind: "text" }>, pointer: string): Generator<Fault> {
  if (typeof value !== "string") return yield { pointer, detail: "must be text" };
  const length = [...value].length;
  if (length < (shape.shortest ?? 0)) yield { pointer, detail: "must not be empty" };
  if (length > (shape.longest ?? Infinity)) yield { pointer, detail: `must have ${shape.longest} characters at most` };
  if (shape.format !== undefined && !isFormat(shape.format, value))
    yield { pointer, detail: `must be ${FORMAT_NAMES[shape.format]}` };
  if (shape.oneOf !== undefined && !vocabulary(shape.oneOf).has(value))
    yield { pointer, detail: `${JSON.stringify(value.slice(0, 100))} is not in the vocabulary${someOf(shape.oneOf)}` };
  if (shape.pattern === undefined) return;
  if (length > MAX_MATCHED || !pattern(shape.pattern).test(value))
    yield { pointer, detail: `must match ${shape.pattern.slice(0, 200)}` };
}

const FORMAT_NAMES: Readonly<Record<Format, string>> = {
  iri: "an absolute IRI",
  "iri-reference": "an IRI",
  uri: "an absolute URI",
  "date-time": "an RFC 3339 date and time",
  utc: "an RFC 3339 date and time in UTC",
};

function* numberFaults(
  value: unknown,
  shape: Extract<Shape, { kind: "number" | "integer" }>,
  pointer: string,
): Generator<Fault> {
  if (typeof value !== "number" || (shape.kind === "integer" && !Number.isInteger(value)))
    return yield { pointer, detail: shape.kind === "integer" ? "must be a whole number" : "must be a number" };
  if (value < (shape.least ?? -Infinity)) yield { pointer, detail: `must be ${shape.least} at least` };
  if (value > (shape.most ?? Infinity)) yield { pointer, detail: `must be ${shape.most} at most` };
  if (shape.above !== undefined && value <= shape.above) yield { pointer, detail: `must be above ${shape.above}` };
}

function* listFaults(value: unknown, shape: Extract<Shape, { kind: "list" }>, pointer: string): Generator<Fault> {
  if (!Array.isArray(value)) return yield { pointer, detail: "must be an array" };
  if (value.length < (shape.shortest ?? 0)) yield { pointer, detail: `must have ${shape.shortest} elements at least` };
  if (value.length > (shape.longest ?? Infinity))
    yield { pointer, detail: `must have ${shape.longest} elements at most` };
  if (shape.isSet === true && new Set(value.map((each) => JSON.stringify(each))).size < value.length)
    yield { pointer, detail: "must not repeat an element" };
  if (shape.of !== undefined)
    for (const [i, each] of value.entries()) yield* faultsOf(each, shape.of, `${pointer}/${i}`);
}

function* objectFaults(value: unknown, shape: Extract<Shape, { kind: "object" }>, pointer: string): Generator<Fault> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return yield { pointer, detail: "must be an object" };
  const members = Object.entries(value);
  for (const name of shape.required ?? [])
    if (!Object.hasOwn(value, name)) yield { pointer: `${pointer}/${escaped(name)}`, detail: "is missing" };
  if (members.length < (shape.least ?? 0)) yield { pointer, detail: `must have ${shape.least} members at least` };
  for (const [name, member] of members) {
    const of = shape.members !== undefined && Object.hasOwn(shape.members, name) ? shape.members[name] : shape.others;
    if (of !== undefined) yield* faultsOf(member, of, `${pointer}/${escaped(name)}`);
  }
}

/** A member's name in a JSON Pointer (RFC 6901, 3). */
export function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

const vocabularies = new Map<string, ReadonlySet<string>>();
const patterns = new Map<string, RegExp>();

/** Shapes come from this program alone, so what is kept here has an end. */
function vocabulary(oneOf: string): ReadonlySet<string> {
  const known = vocabularies.get(oneOf) ?? new Set(oneOf.split("|"));
  vocabularies.set(oneOf, known);
  return known;
}

function pattern(source: string): RegExp {
  const known = patterns.get(source) ?? new RegExp(source, "u");
  patterns.set(source, known);
  return known;
}

function someOf(oneOf: string): string {
  const values = [...vocabulary(oneOf)];
  return values.length > 12 ? ` of ${values.length}` : `: ${values.join(", ")}`.slice(0, 300);
}
