import type { Fault } from "../../errors.ts";

/** An extension by its schema's URL without the version, and the lowest version that is taken. */
export interface Extension {
  readonly base: string;
  readonly minimum: string;
  /** Items have it: `append` adds it where it is missing, `refuse` does not take the item then. */
  readonly missing?: "append" | "refuse";
}

/** Last parts of the types of problems, as the successor of the founding system names them (founding-systems 1.9). */
export type ExtensionProblem = "unexpected-extension" | "expected-extension-missing" | "extension-below-minimum";

export interface ExtensionFault extends Fault {
  readonly type: ExtensionProblem;
}

/** `https://x/cmip6/v3.0.4/schema.json`. */
const VERSIONED = /^(.{1,300})\/v(\d{1,5}\.\d{1,5}\.\d{1,5})(?:-[\w.]{1,40})?\/schema\.json#?$/;

/** The extension that a published URL stands for, with its version as the minimum. */
export function extensionOf(url: string, missing?: "append" | "refuse"): Extension | undefined {
  const match = VERSIONED.exec(url);
  if (match === null) return undefined;
  return { base: match[1]!, minimum: match[2]!, ...(missing === undefined ? {} : { missing }) };
}

/** What is wrong with the extensions that an item names, and the URLs to append; without a list all are allowed. */
export function checkExtensions(
  named: readonly string[],
  allowed: readonly Extension[] | undefined,
): { readonly missing: readonly string[]; readonly faults: readonly ExtensionFault[] } {
  if (allowed === undefined) return { missing: [], faults: [] };
  const faults: ExtensionFault[] = [];
  const found = new Set<string>();
  for (const [i, url] of named.entries()) {
    const own = extensionOf(url);
    const match = own === undefined ? undefined : allowed.find(({ base }) => base === own.base);
    const pointer = `/stac_extensions/${i}`;
    if (own === undefined || match === undefined) {
      const detail = `is not one of ${allowed.map(urlOf).join(", ")}`;
      faults.push({ pointer, detail, type: "unexpected-extension" });
      continue;
    }
    found.add(match.base);
    if (compareVersions(own.minimum, match.minimum) < 0)
      faults.push({ pointer, detail: `must be version ${match.minimum} or newer`, type: "extension-below-minimum" });
  }
  const missing = allowed.filter(({ base, missing: wanted }) => wanted !== undefined && !found.has(base));
  for (const one of missing) {
    const detail = `${urlOf(one)} is missing`;
    if (one.missing === "refuse")
      faults.push({ pointer: "/stac_extensions", detail, type: "expected-extension-missing" });
  }
  return { missing: missing.filter((one) => one.missing === "append").map(urlOf), faults };
}

function urlOf({ base, minimum }: Extension): string {
  return `${base}/v${minimum}/schema.json`;
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split(".").map(Number), b.split(".").map(Number)];
  const at = left.findIndex((part, i) => part !== right[i]);
  return at === -1 ? 0 : left[at]! - right[at]!;
}
