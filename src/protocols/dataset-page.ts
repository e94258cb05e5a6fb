import type { Opened } from "../core/access.ts";
import type { Attr, Attrs } from "../core/array.ts";
import { attrToJson, textAttr } from "../core/attrs.ts";
import { dtypeName } from "../core/dtype.ts";
import { Html, html } from "../core/html.ts";
import { publicSource } from "../core/public-source.ts";
import { accessCode } from "./access-code.ts";
import { type GroupSummary, summarize, type VariableSummary } from "./dataset-summary.ts";
import type { Crumb, Page } from "./page.ts";
import { datasetUrl, type Link } from "./protocol.ts";
import { publicReport } from "./public-report.ts";

/** Entries of a list attribute that are shown. */
const ATTRIBUTE_ENTRIES = 24;
const ATTRIBUTE_LENGTH = 2000;
const ZARR_TYPE = "application/vnd+zarr";

export interface PageOptions {
  readonly opened: Opened;
  readonly base: URL;
  /** The group the page is about, `""` for the root; `withGroups` shows those below it too. */
  readonly path: string;
  readonly withGroups: boolean;
  readonly links: readonly Link[];
  /** What the node serves: local files are named relative to these. */
  readonly roots?: readonly URL[] | undefined;
}

/** The page of a dataset or of one of its groups: what is in it and how to get it. Undefined: no such group. */
export function datasetPage({ opened, base, path, withGroups, links, roots }: PageOptions): Page | undefined {
  const { dataset, id } = opened;
  const group = summarize(dataset, path);
  if (group === undefined) return undefined;
  const title = textAttr(group.attrs, "title") ?? (path === "" ? id : `${id}/${path}`);
  const below = [...dataset.groups.keys()].filter((name) => path === "" || name.startsWith(`${path}/`));
  const inner = withGroups ? below.map((name) => summarize(dataset, name)).filter((g) => g !== undefined) : [];
  return {
    title,
    base,
    crumbs: crumbs(id, path),
    lead: html`${summaryText(group.attrs)}
<dl class="facts">
${facts(opened, group, roots).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>`,
    main: html`${access(opened, group, base)}
${sections(group, withGroups ? 3 : 2)}
${!withGroups && below.length > 0 ? groupList(id, below, base) : undefined}
${inner.map((g) => html`<section class="group"><h2>Group <code>/${g.path}</code></h2>${sections(g, 3)}</section>\n`)}
${path === "" ? storage(publicReport(dataset, roots)) : undefined}
${links.length > 0 && path === "" ? linkList(links) : undefined}`,
    footer: html`Machine-readable: ${["info", "dict", "keys", "tree"].map((word) => html`<a href="${datasetUrl(base, id, word)}">${word}</a> `)}`,
    script: SCRIPT,
  };
}

function crumbs(id: string, path: string): Crumb[] {
  return path === "" ? [{ text: id }] : [{ text: id, path: `datasets/${encodeURIComponent(id)}/` }, { text: path }];
}

/** One segment of an address for a group: `/` is written `~`, and `~` twice. */
function groupSegment(path: string): string {
  return encodeURIComponent(path.replaceAll("~", "~~").replaceAll("/", "~"));
}

function summaryText(attrs: Attrs): Html | undefined {
  const text = textAttr(attrs, "summary") ?? textAttr(attrs, "description");
  return text === undefined ? undefined : html`<p>${text}</p>`;
}

function facts(
  { id, dataset, source }: Opened,
  { variables }: GroupSummary,
  roots: readonly URL[] | undefined,
): [string, string][] {
  const bytes = variables.reduce((sum, v) => sum + (v.bytes ?? 0), 0);
  const chunks = variables.reduce((sum, v) => sum + v.chunkCount, 0);
  return [
    ["Id", id],
    ["Format", dataset.format],
    ["Size decoded", byteText(bytes)],
    ["Chunks", chunks.toLocaleString("en")],
    ["Source", publicSource(source, roots)],
  ];
}

function access({ id, dataset }: Opened, group: GroupSummary, base: URL): Html {
  // The largest one is what people come for; bounds and flags stand beside it.
  const data = group.variables.filter((v) => !v.isCoordinate);
  const sample = data.toSorted((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0))[0] ?? group.variables[0];
  const codes = accessCode(id, dataset, sample?.variable, base);
  return html`<section><h2>Access</h2>
<div class="codes">
${codes.map(
  (
    { title, note, code },
    i,
  ) => html`<details name="access"${new Html(i === 0 ? " open" : "")}><summary>${title}</summary>
<p>${note}</p><div class="code"><button type="button">Copy</button><pre><code>${code}</code></pre></div></details>
`,
)}</div></section>`;
}

function sections(group: GroupSummary, level: 2 | 3): Html {
  const heading = (text: string): Html => (level === 2 ? html`<h2>${text}</h2>` : html`<h3>${text}</h3>`);
  const coordinates = group.variables.filter((v) => v.isCoordinate);
  const others = group.variables.filter((v) => !v.isCoordinate);
  return html`${group.dimensions.size > 0 ? html`<section>${heading("Dimensions")}${dimensionList(group)}</section>` : undefined}
${coordinates.length > 0 ? html`<section>${heading("Coordinates")}${variableTable(coordinates)}</section>` : undefined}
${others.length > 0 ? html`<section>${heading("Variables")}${variableTable(others)}</section>` : undefined}
${group.attrs.size > 0 ? html`<section>${heading("Attributes")}${attributeList(group.attrs)}</section>` : undefined}`;
}

function dimensionList({ dimensions }: GroupSummary): Html {
  return html`<ul class="dimensions">${[...dimensions].map(
    ([name, { size, unlimited }]) =>
      html`<li><code>${name}</code> <b>${size.toLocaleString("en")}</b>${unlimited ? " unlimited" : ""}</li>`,
  )}</ul>`;
}

function variableTable(variables: readonly VariableSummary[]): Html {
  return html`<div class="wide"><table>
<thead><tr><th scope="col">Name</th><th scope="col">Dimensions</th><th scope="col">Type</th><th scope="col">Chunk</th><th scope="col" class="number">Chunks</th><th scope="col" class="number">Size</th><th scope="col">Codecs</th></tr></thead>
${variables.map(variableRows)}</table></div>`;
}

function variableRows({ name, variable: { spec }, bytes, chunkCount, isRaw }: VariableSummary): Html {
  const label = textAttr(spec.attrs, "long_name") ?? textAttr(spec.attrs, "standard_name");
  const units = textAttr(spec.attrs, "units");
  const shape = spec.dims.map((dim, i) => `${dim} ${spec.shape[i]}`).join(" × ");
  const codecs = spec.codecs.map((codec) => codec.name).join(" → ");
  return html`<tbody>
<tr><th scope="row"><code>${name}</code></th><td>${shape || "scalar"}</td><td>${dtypeName(spec.dtype)}</td><td>${spec.chunks.join(" × ") || "1"}</td><td class="number">${chunkCount.toLocaleString("en")}</td><td class="number">${bytes === undefined ? "varies" : byteText(bytes)}</td><td>${codecs}${isRaw ? "" : " (decoded only)"}</td></tr>
<tr class="about"><td colspan="7">${label === undefined ? undefined : html`<span>${label}${units === undefined ? "" : `, ${units}`}</span> `}${
    spec.attrs.size > 0
      ? html`<details><summary>${spec.attrs.size} ${spec.attrs.size === 1 ? "attribute" : "attributes"}</summary>${attributeList(spec.attrs)}</details>`
      : undefined
  }</td></tr>
</tbody>
`;
}

function attributeList(attrs: Attrs): Html {
  return html`<dl class="attributes">${[...attrs].map(([name, attr]) => html`<div><dt>${name}</dt><dd>${attributeText(attr)}</dd></div>`)}</dl>`;
}

function attributeText(attr: Attr): string {
  const value = attrToJson(attr);
  const text = (v: unknown): string => (typeof v === "string" ? v : JSON.stringify(v));
  const whole = Array.isArray(value)
    ? value.slice(0, ATTRIBUTE_ENTRIES).map(text).join(", ") +
      (value.length > ATTRIBUTE_ENTRIES ? `, … (${value.length})` : "")
    : text(value);
  return whole.length > ATTRIBUTE_LENGTH ? `${whole.slice(0, ATTRIBUTE_LENGTH)}… (${whole.length} characters)` : whole;
}

function groupList(id: string, groups: readonly string[], base: URL): Html {
  return html`<section><h2>Groups</h2><ul>${groups.map(
    (path) => html`<li><a href="${datasetUrl(base, id, `groups/${groupSegment(path)}`)}">/${path}</a></li>`,
  )}</ul></section>`;
}

/** What does not fit: of a cube, how its members differ; of any dataset, what could not be read. */
function storage({ cube, problems }: ReturnType<typeof publicReport>): Html | undefined {
  if (cube === undefined && problems.length === 0) return undefined;
  const uneven = cube?.variables.filter((v) => v.differences.length > 0) ?? [];
  const found = [
    ...uneven.map(
      (v) => `${v.name} is served ${v.mode}: members differ in ${v.differences.map((d) => d.property).join(", ")}`,
    ),
    ...(cube?.gaps ?? []).map((g) => `gap along ${g.dimension} between ${String(g.after)} and ${String(g.before)}`),
    ...(cube?.overlaps ?? []).map((o) => `${o.entries} entries along ${o.dimension} come twice`),
    ...(cube?.left ?? []).map((l) => `a member was left out: ${l.reason}`),
    ...problems,
  ];
  return html`<section><h2>${cube === undefined ? "Problems" : `Cube of ${cube.members} files`}</h2>
${found.length === 0 ? html`<p>All members fit together.</p>` : html`<ul>${found.slice(0, 100).map((text) => html`<li>${text}</li>`)}</ul>`}</section>`;
}

function linkList(links: readonly Link[]): Html {
  return html`<section><h2>Addresses</h2><ul>${links.map(({ href, title, type }) => {
    // A store is a place to put keys behind: there is nothing to see at its own address.
    const address = html`<code>${href}</code>`;
    return html`<li>${title}: ${type === ZARR_TYPE ? address : html`<a href="${href}">${address}</a>`}</li>`;
  })}</ul></section>`;
}

const UNITS = ["bytes", "kB", "MB", "GB", "TB", "PB"] as const;

function byteText(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toPrecision(3)} ${UNITS[power]}`;
}

const SCRIPT = `for (const b of document.querySelectorAll(".code button")) b.addEventListener("click", async () => {
  await navigator.clipboard.writeText(b.parentElement.querySelector("code").textContent);
  b.textContent = "Copied";
});`;
