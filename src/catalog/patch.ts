import { isDeepStrictEqual } from "node:util";
import type { Patch, PatchOperation } from "../core/event.ts";
import type { Json } from "../core/stac.ts";
import { GyreError } from "../errors.ts";
import { invalid, isObject } from "./json.ts";

const MOST_OPERATIONS = 1000;

/** What no patch may remove (STAC item 1.1, collection 1.1). */
const REQUIRED = {
  item: ["/type", "/stac_version", "/id", "/geometry", "/properties", "/properties/datetime", "/links", "/assets"],
  collection: ["/type", "/stac_version", "/id", "/description", "/license", "/extent", "/links"],
} as const;

/**
 * The document after a merge patch (RFC 7396) or a JSON Patch (RFC 6902). `move` and `copy` are refused, as the founding
 * system's successor does; a required member cannot be removed.
 */
export function patched(document: Json, patch: Patch, kind: keyof typeof REQUIRED): Json {
  checkPatch(patch, kind);
  if (!isOperations(patch)) return merged(document, patch);
  return patch.reduce((changed: Json, operation) => operated(changed, operation), document);
}

/** What can be said of a patch without the document. */
export function checkPatch(patch: Patch, kind: keyof typeof REQUIRED): void {
  if (!isOperations(patch)) {
    checkMerge(patch, kind);
    return;
  }
  if (patch.length > MOST_OPERATIONS) {
    throw invalid([{ pointer: "", detail: `more than ${MOST_OPERATIONS} operations` }]);
  }
  patch.forEach((operation, i) => {
    const { op, path } = isObject(operation) ? operation : {};
    const fault = (detail: string): GyreError => invalid([{ pointer: `/${i}`, detail }]);
    if (typeof path !== "string" || (path !== "" && !path.startsWith("/"))) throw fault("path is no JSON Pointer");
    if (op === "move" || op === "copy") throw fault(`${op} is not taken; use add and remove`);
    if (op !== "add" && op !== "replace" && op !== "remove" && op !== "test") throw fault("no operation of RFC 6902");
    if (op !== "remove" && !("value" in operation)) throw fault(`${op} needs a value`);
    if (op === "remove" && isRequired(path, kind)) throw fault(`${path} is required and cannot be removed`);
  });
}

function checkMerge(patch: unknown, kind: keyof typeof REQUIRED): void {
  if (!isObject(patch)) throw invalid([{ pointer: "", detail: "a merge patch is an object" }]);
  for (const path of REQUIRED[kind]) {
    const value = path
      .split("/")
      .slice(1)
      .reduce((at: unknown, key) => (isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined), patch);
    if (value === null) throw invalid([{ pointer: path, detail: "is required and cannot be removed" }]);
  }
}

function isRequired(path: string, kind: keyof typeof REQUIRED): boolean {
  return path === "" || (REQUIRED[kind] as readonly string[]).includes(path);
}

function isOperations(patch: Patch): patch is readonly PatchOperation[] {
  return Array.isArray(patch);
}

function merged(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result = new Map<string, Json>(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, merged(result.get(key) ?? null, value));
  }
  return Object.fromEntries(result);
}

function operated(document: Json, operation: PatchOperation): Json {
  const keys = operation.path
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  return changedAt(document, keys, operation);
}

function changedAt(at: Json, keys: readonly string[], operation: PatchOperation): Json {
  const [key, ...rest] = keys;
  if (key === undefined) return changed(at, operation);
  if (Array.isArray(at)) return changedInArray(at, key, rest, operation);
  if (!isObject(at)) throw absent(operation);
  const has = Object.hasOwn(at, key);
  if (rest.length > 0 || operation.op === "test") {
    if (!has) throw absent(operation);
    return withMember(at, key, changedAt(at[key] as Json, rest, operation));
  }
  if (!has && operation.op !== "add") throw absent(operation);
  if (operation.op === "remove") return Object.fromEntries(Object.entries(at).filter(([name]) => name !== key));
  return withMember(at, key, operation.value as Json);
}

function changedInArray(at: readonly Json[], key: string, rest: readonly string[], operation: PatchOperation): Json {
  const isAdd = operation.op === "add" && rest.length === 0;
  const index = key === "-" && isAdd ? at.length : /^(0|[1-9]\d{0,8})$/.test(key) ? Number(key) : -1;
  if (index < 0 || index >= at.length + (isAdd ? 1 : 0)) throw absent(operation);
  if (isAdd) return at.toSpliced(index, 0, operation.value as Json);
  if (rest.length === 0 && operation.op === "remove") return at.toSpliced(index, 1);
  return at.with(index, changedAt(at[index] as Json, rest, operation));
}

function changed(at: Json, { op, path, value }: PatchOperation): Json {
  if (op !== "test") return value as Json;
  if (isDeepStrictEqual(at, value)) return at;
  throw new GyreError("Conflict", `test of ${path} failed`, { type: "patch-test-failed", subject: path });
}

/** Through entries, since `__proto__` is a member like any other here. */
function withMember(at: { readonly [name: string]: Json }, key: string, value: Json): Json {
  return Object.fromEntries([...Object.entries(at).filter(([name]) => name !== key), [key, value]]);
}

function absent({ path, op }: PatchOperation): GyreError {
  return invalid([{ pointer: path, detail: `${op}: there is nothing at this path` }]);
}
