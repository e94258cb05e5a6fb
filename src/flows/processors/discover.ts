import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { GyreError } from "../../errors.ts";
import type { Processor } from "./processor.ts";

const NAME = /^[a-z0-9_]{1,100}$/;
const MODULE = /^(?<version>[a-z0-9_]{1,100})\.(?:ts|js|mjs)$/;
const text = z.string().max(50_000);
const method = z.custom<(...args: never) => unknown>((value) => typeof value === "function", "is no function");

/** What a module must export: as far as it can be seen without calling it. */
const shape = z.object({
  metadata: z.object({
    ...{ dataset: z.string().regex(NAME), version: z.string().regex(NAME), description: text, author: text },
    ...{ title: text, titleLong: text, summary: text, citation: text, originUrl: text },
    license: z.object({ name: text, path: text, title: text }),
    formats: z.array(z.string().max(100)).min(1).max(100),
    isTest: z.boolean().optional(),
  }),
  queue: z.string().optional(),
  ...{ sourceDigest: method, estimate: method, generate: method },
});

export interface Discovered {
  readonly processors: readonly Processor[];
  readonly problems: readonly Problem[];
}

/** A processor that is left out, and why. */
export interface Problem {
  /** Its file, or its name. */
  readonly source: string;
  readonly error: unknown;
}

/**
 * The processors of a folder: `<dataset>/<version>.ts` (or .js, .mjs), whose default export is a processor, or makes one of
 * what it is given. Those that are broken are told of and left out.
 */
export async function discover<Deps>(folder: string, deps: Deps): Promise<Discovered> {
  const processors: Processor[] = [];
  const problems: Problem[] = [];
  const datasets = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    problems.push({ source: folder, error });
    return [];
  });
  for (const dataset of datasets
    .filter((entry) => entry.isDirectory() && NAME.test(entry.name))
    .map(nameOf)
    .sort()) {
    for (const file of (await readdir(join(folder, dataset))).sort()) {
      const version = MODULE.exec(file)?.groups?.version;
      if (version === undefined) continue;
      const source = join(folder, dataset, file);
      try {
        processors.push(await load(source, { dataset, version }, deps));
      } catch (error) {
        problems.push({ source, error });
      }
    }
  }
  return { processors, problems };
}

async function load<Deps>(
  path: string,
  { dataset, version }: { readonly dataset: string; readonly version: string },
  deps: Deps,
): Promise<Processor> {
  const module = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
  const exported = module.default;
  const made: unknown = typeof exported === "function" ? await exported(deps) : exported;
  const checked = shape.safeParse(made);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw new GyreError("Invalid", `the default export: ${issue?.path.join(".") || "it"}: ${issue?.message}`);
  }
  const { metadata } = checked.data;
  if (metadata.dataset !== dataset || metadata.version !== version) {
    throw new GyreError(
      "Invalid",
      `is ${metadata.dataset}.${metadata.version}, and lies where ${dataset}.${version} would`,
    );
  }
  // Not what was parsed: methods belong to the object, which may be of a class.
  return made as Processor;
}

function nameOf({ name }: { readonly name: string }): string {
  return name;
}
