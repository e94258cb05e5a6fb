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

/** Faults of one document that are looked for: a client may send millions. */
export const MAX_FAULTS = 100;

/** The faults of a value, each at its JSON Pointer; the first of them where there are many. */
export function faultsOf(value: unknown, shape: Shape, pointer: string): readonly Fault[] {
  const faults: Fault[] = [];
  check(value, shape, pointer, faults);
  return faults;
}

/** Pushed, not yielded: every member of every published item comes by here. */
function check(value: unknown, shape: Shape, pointer: string, faults: Fault[]): void {
  if (faults.length >= MAX_FAULTS) return;
  switch (shape.kind) {
    case "any":
      return;
    case "null":
      if (value !== null) faults.push({ pointer, detail: "must be null" });
      return;
    case "boolean":
      if (typeof value !== "boolean") faults.push({ pointer, detail: "must be true or false" });
      return;
    case "text":
      checkText(value, shape, pointer, faults);
      return;
    case "number":
    case "integer":
      checkNumber(value, shape, pointer, faults);
      return;
    case "list":
      checkList(value, shape, pointer, faults);
      return;
    case "object":
      checkObject(value, shape, pointer, faults);
      return;
    case "either": {
      const found = shape.of.map((each) => faultsOf(value, each, pointer));
      if (found.every((each) => each.length > 0)) faults.push(found[0]![0]!);
    }
  }
}

type Of<K> = Extract<Shape, { kind: K }>;

function checkText(value: unknown, shape: Of<"text">, pointer: string, faults: Fault[]): void {
  const fail = (detail: string): unknown => faults.push({ pointer, detail });
  if (typeof value !== "string") {
    fail("must be text");
    return;
  }
  if (value.length < (shape.shortest ?? 0)) fail("must not be empty");
  // Characters are counted where there may be too many: a string's length counts some of them twice.
  if (shape.longest !== undefined && value.length > shape.longest && [...value].length > shape.longest)
    fail(`must have ${shape.longest} characters at most`);
  if (shape.format !== undefined && !isFormat(shape.format, value)) fail(`must be ${FORMAT_NAMES[shape.format]}`);
  if (shape.oneOf !== undefined && !vocabulary(shape.oneOf).has(value))
    fail(`${JSON.stringify(value.slice(0, 100))} is not in the vocabulary${someOf(shape.oneOf)}`);
  if (shape.pattern !== undefined && (value.length > MAX_MATCHED || !pattern(shape.pattern).test(value)))
    fail(`must match ${shape.pattern.slice(0, 200)}`);
}

const FORMAT_NAMES: Readonly<Record<Format, string>> = {
  iri: "an absolute IRI",
  "iri-reference": "an IRI",
  uri: "an absolute URI",
  "date-time": "an RFC 3339 date and time",
  utc: "an RFC 3339 date and time in UTC",
};

function checkNumber(value: unknown, shape: Of<"number" | "integer">, pointer: string, faults: Fault[]): void {
  const fail = (detail: string): unknown => faults.push({ pointer, detail });
  if (typeof value !== "number" || (shape.kind === "integer" && !Number.isInteger(value))) {
    fail(shape.kind === "integer" ? "must be a whole number" : "must be a number");
    return;
  }
  if (value < (shape.least ?? -Infinity)) fail(`must be ${shape.least} at least`);
  if (value > (shape.most ?? Infinity)) fail(`must be ${shape.most} at most`);
  if (shape.above !== undefined && value <= shape.above) fail(`must be above ${shape.above}`);
}

function checkList(value: unknown, shape: Of<"list">, pointer: string, faults: Fault[]): void {
  const fail = (detail: string): unknown => faults.push({ pointer, detail });
  if (!Array.isArray(value)) {
    fail("must be an array");
    return;
  }
  if (value.length < (shape.shortest ?? 0)) fail(`must have ${shape.shortest} elements at least`);
  if (value.length > (shape.longest ?? Infinity)) fail(`must have ${shape.longest} elements at most`);
  if (shape.isSet === true && new Set(value.map((each) => JSON.stringify(each))).size < value.length)
    fail("must not repeat an element");
  const { of } = shape;
  if (of === undefined) return;
  for (const [i, each] of value.entries()) check(each, of, `${pointer}/${i}`, faults);
}

function checkObject(value: unknown, shape: Of<"object">, pointer: string, faults: Fault[]): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    faults.push({ pointer, detail: "must be an object" });
    return;
  }
  for (const name of shape.required ?? [])
    if (!Object.hasOwn(value, name)) faults.push({ pointer: `${pointer}/${escaped(name)}`, detail: "is missing" });
  const members = Object.entries(value);
  if (members.length < (shape.least ?? 0))
    faults.push({ pointer, detail: `must have ${shape.least} members at least` });
  for (const [name, member] of members) {
    const of = shape.members !== undefined && Object.hasOwn(shape.members, name) ? shape.members[name] : shape.others;
    if (of !== undefined) check(member, of, `${pointer}/${escaped(name)}`, faults);
  }
}

/** A member's name in a JSON Pointer (RFC 6901, 3). */
export function escaped(name: string): string {
  return /[~/]/.test(name) ? name.replaceAll("~", "~0").replaceAll("/", "~1") : name;
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
