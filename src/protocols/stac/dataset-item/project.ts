import { PROJECTS, type Profile, profileOf } from "../../../catalog/profiles/profile.ts";
import type { Opened } from "../../../core/access.ts";
import type { Attrs, Variable } from "../../../core/array.ts";
import { textAttr } from "../../../core/attrs.ts";
import { spdx, statedCreation } from "./description.ts";
import { type Members, optional } from "./members.ts";

/** What the global attributes of a project's file say: its record in the project's own words. */
export interface ProjectRecord {
  readonly profile: Profile;
  readonly collection: string;
  /** The id of the dataset in the project's data reference syntax, with its version. */
  readonly id: string;
  readonly properties: Members;
  /** Path of the dataset below the project's archive. */
  readonly path: string;
  readonly warnings: readonly string[];
}

/** Attributes that name the project, the most definite first. */
const NAMING = ["project_id", "project", "activity_id", "mip_era"];
const FACET = /^[A-Za-z0-9_-]{1,100}$/;

/** Undefined where the attributes name no project that is known here, or not all parts of an id. */
export async function projectRecord(
  { id, source, dataset: { attrs } }: Opened,
  data: readonly Variable[],
): Promise<ProjectRecord | undefined> {
  const profile = await namedProfile(attrs);
  if (profile === undefined) return undefined;
  const variable = variableOf(attrs, data);
  const facets = profile.facets.map((facet) => saidOf(facet, attrs, variable)?.split(/\s+/)[0] ?? "");
  if (!facets.every((facet) => FACET.test(facet))) return undefined;
  const stated = /\.v(\d{8})$/.exec(id) ?? /\/v(\d{8})\//.exec(source) ?? statedVersion(attrs);
  // Not the day of the file: another node's copy has another.
  const version = stated?.[1] ?? statedCreation(attrs)?.slice(0, 10).replaceAll("-", "");
  if (version === undefined) return undefined;
  const baseId = facets.join(".");
  return {
    profile,
    collection: profile.collection ?? profile.project,
    id: `${baseId}.v${version}`,
    path: [...facets, `v${version}`].join("/"),
    properties: {
      title: baseId,
      base_id: baseId,
      version,
      latest: true,
      retracted: false,
      project: profile.project,
      ...ownProperties(profile, attrs, variable),
    },
    warnings: stated === null ? [`neither folder nor file says a version: v${version} is the day it was created`] : [],
  };
}

async function namedProfile(attrs: Attrs): Promise<Profile | undefined> {
  for (const attribute of NAMING) {
    const name = textAttr(attrs, attribute);
    if (name !== undefined && PROJECTS.includes(name)) return profileOf(name);
  }
  return undefined;
}

function statedVersion(attrs: Attrs): RegExpExecArray | null {
  for (const attribute of ["version", "version_id", "dataset_version"]) {
    const found = /^v?(\d{8})$/.exec(textAttr(attrs, attribute) ?? "");
    if (found !== null) return found;
  }
  return null;
}

function variableOf(attrs: Attrs, data: readonly Variable[]): Variable | undefined {
  const name = textAttr(attrs, "variable_id");
  return data.find((variable) => variable.name === name) ?? (data.length === 1 ? data[0] : undefined);
}

/** What the project asks for and the file tells, under the project's prefix. */
function ownProperties({ properties, prefix }: Profile, attrs: Attrs, variable: Variable | undefined): Members {
  const found: Record<string, Members[string]> = {};
  for (const [name, { kind }] of Object.entries(properties)) {
    if (!name.startsWith(`${prefix}:`)) continue;
    const text = saidOf(name.slice(prefix.length + 1), attrs, variable);
    const { text: bounded } = optional("text", text);
    if (typeof bounded !== "string") continue;
    const license = name === `${prefix}:license` ? spdx(bounded) : undefined;
    if (license !== undefined) {
      // The vocabulary knows the identifiers; the text itself stays with the dataset.
      if (license !== "other") found[name] = license;
      continue;
    }
    if (kind === "list") found[name] = bounded.split(/[\s,]+/).slice(0, 100);
    else if (kind === "text") found[name] = bounded;
    else if (Number.isFinite(Number(bounded))) found[name] = Number(bounded);
  }
  return found;
}

/** Where projects name what the file says elsewhere. */
const OF_VARIABLE: ReadonlyMap<string, string> = new Map([
  ["variable_long_name", "long_name"],
  ["variable_units", "units"],
  ["variable_cf_standard_name", "standard_name"],
  ["cf_standard_name", "standard_name"],
]);
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["conventions", "Conventions"],
  ["experiment_title", "experiment"],
  ["variable", "variable_id"],
]);

function saidOf(name: string, attrs: Attrs, variable: Variable | undefined): string | undefined {
  const said = anyText(attrs, name) ?? anyText(attrs, ELSEWHERE.get(name) ?? name);
  if (said !== undefined) return said;
  const ofVariable = OF_VARIABLE.get(name);
  if (ofVariable !== undefined) return variable && anyText(variable.spec.attrs, ofVariable);
  if (name !== "member_id") return undefined;
  const [label, sub] = [anyText(attrs, "variant_label"), anyText(attrs, "sub_experiment_id")];
  return label !== undefined && sub !== undefined && sub !== "none" ? `${sub}-${label}` : label;
}

/** Numbers and lists count as text: `realization_index = 1`. */
function anyText(attrs: Attrs, name: string): string | undefined {
  const value = attrs.get(name)?.value;
  const texts = (Array.isArray(value) ? value : [value]).filter((v) =>
    ["string", "number", "bigint"].includes(typeof v),
  );
  const text = texts.join(" ").trim();
  return text === "" ? undefined : text;
}
