import { z } from "zod";
import { GyreError } from "../errors.ts";

/** Environment variables; only `bin` reads those of the process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Fills in `${NAME}` and `${NAME:-default}`. Throws BadRequest naming the place. */
export function expand(value: unknown, env: Environment, path: readonly string[] = []): unknown {
  if (typeof value === "string") {
    return value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g, (_, name: string, fallback?: string) => {
      const found = env[name] ?? fallback;
      if (found === undefined) {
        throw new GyreError("BadRequest", `${path.join(".")}: the environment has no ${name}`, { subject: name });
      }
      return found;
    });
  }
  if (Array.isArray(value)) return value.map((entry, i) => expand(entry, env, [...path, String(i)]));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, expand(entry, env, [...path, key])]));
}

/** Variables that speak to the scripts, the tests, or say where the configuration itself lies. */
const NOT_SETTINGS = new Set([
  "GYRE_BENCH_ROUNDS",
  "GYRE_CONFIG",
  "GYRE_DATA",
  "GYRE_DEMO_PORT",
  "GYRE_REQUIRE_SERVICES",
  "GYRE_WEBHOOK_SECRET",
]);

/** What Kubernetes and container links put into the environment of every neighbour of a service called `gyre`. */
function isServiceLink(variable: string, text: string): boolean {
  return /^GYRE_(SERVICE_(HOST|PORT)|PORT_\d+_)/.test(variable) || (variable === "GYRE_PORT" && text.includes("://"));
}

/**
 * Puts `GYRE_*` variables over what a file says, as the schema names its settings: `GYRE_DATA_DIR` and `GYRE_DATADIR`
 * both mean `dataDir`, since case and single underscores do not count.
 */
export function override(settings: { [key: string]: unknown }, env: Environment, whole: z.ZodType): void {
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith("GYRE_") || text === undefined || NOT_SETTINGS.has(variable)) continue;
    if (isServiceLink(variable, text)) continue;
    const parts = variable.slice("GYRE_".length).split("__");
    let schema = whole;
    let target = settings;
    parts.forEach((part, i) => {
      const shape = objectShape(schema);
      const wanted = part.replaceAll("_", "").toLowerCase();
      const key = shape === undefined ? undefined : Object.keys(shape).find((k) => k.toLowerCase() === wanted);
      if (key === undefined) {
        throw new GyreError("BadRequest", `${variable} names no setting`, {
          subject: variable,
          allowed: Object.keys(shape ?? {}),
        });
      }
      schema = shape![key]!;
      if (i === parts.length - 1) target[key] = fromText(text, schema);
      else target = (target[key] ??= {}) as { [key: string]: unknown };
    });
  }
}

function objectShape(schema: z.ZodType): { readonly [key: string]: z.ZodType } | undefined {
  const inner = unwrapped(schema);
  return inner instanceof z.ZodObject ? (inner.shape as { [key: string]: z.ZodType }) : undefined;
}

function unwrapped(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

/** Lists are separated by commas; anything else than text is read as JSON. */
function fromText(text: string, schema: z.ZodType): unknown {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodString) return text;
  if (inner instanceof z.ZodArray && !text.trimStart().startsWith("[")) return text.split(",").map((s) => s.trim());
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
