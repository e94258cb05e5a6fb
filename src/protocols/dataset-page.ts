import { createHash } from "node:crypto";
import type { Opened } from "../core/access.ts";
import type { Attr, Attrs, Dataset } from "../core/array.ts";
import { attrToJson, textAttr } from "../core/attrs.ts";
import { dtypeName } from "../core/dtype.ts";
import { accessCode } from "./access-code.ts";
import { type GroupSummary, summarize, type VariableSummary } from "./dataset-summary.ts";
import { Html, html } from "./html.ts";
import { datasetUrl, type Link } from "./protocol.ts";

/** Entries of a list attribute that are shown. */
const ATTRIBUTE_ENTRIES = 24;
const ATTRIBUTE_LENGTH = 2000;

export interface PageOptions {
  readonly opened: Opened;
  readonly base: URL;
  /** The group the page is about, `""` for the root; `withGroups` shows those below it too. */
  readonly path: string;
  readonly withGroups: boolean;
  readonly links: readonly Link[];
}

/** The page of a dataset or of one of its groups: what is in it and how to get it. Undefined: no such group. */
export function datasetPage({ opened, base, path, withGroups, links }: PageOptions): string | undefined {
  const { dataset, id } = opened;
  const group = summarize(dataset, path);
  if (group === undefined) return undefined;
  const title = textAttr(group.attrs, "title") ?? (path === "" ? id : `${id}/${path}`);
  const below = [...dataset.groups.keys()].filter((name) => path === "" || name.startsWith(`${path}/`));
  const inner = withGroups ? below.map((name) => summarize(dataset, name)).filter((g) => g !== undefined) : [];
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<header>
<nav aria-label="Breadcrumb"><a href="${base.href}datasets">datasets</a> / ${crumbs(id, path, base)}</nav>
<h1>${title}</h1>
${summaryText(group.attrs)}
<dl class="facts">
${facts(opened, group).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>
</header>
<main>
${access(opened, group, base)}
${sections(group, withGroups ? 3 : 2)}
${!withGroups && below.length > 0 ? groupList(id, below, base) : undefined}
${inner.map((g) => html`<section class="group"><h2>Group <code>/${g.path}</code></h2>${sections(g, 3)}</section>\n`)}
${path === "" ? storage(dataset) : undefined}
${links.length > 0 && path === "" ? linkList(links) : undefined}
</main>
<footer>Machine-readable: ${["info", "dict", "keys", "tree"].map((word) => html`<a href="${datasetUrl(base, id, word)}">${word}</a> `)}</footer>
<script>${new Html(SCRIPT)}</script>
</body>
</html>
`;
  return page.text;
}

function crumbs(id: string, path: string, base: URL): Html {
  const root = html`<a href="${datasetUrl(base, id, "")}">${id}</a>`;
  return path === "" ? root : html`${root} / ${path}`;
}

/** One segment of an address for a group: `/` is written `~`, and `~` twice. */
export function groupSegment(path: string): string {
  return encodeURIComponent(path.replaceAll("~", "~~").replaceAll("/", "~"));
}

function summaryText(attrs: Attrs): Html | undefined {
  const text = textAttr(attrs, "summary") ?? textAttr(attrs, "description");
  return text === undefined ? undefined : html`<p>${text}</p>`;
}

function facts({ id, dataset, source }: Opened, { variables }: GroupSummary): [string, string][] {
  const bytes = variables.reduce((sum, v) => sum + (v.bytes ?? 0), 0);
  const chunks = variables.reduce((sum, v) => sum + v.chunkCount, 0);
  return [
    ["Id", id],
    ["Format", dataset.format],
    ["Size decoded", byteText(bytes)],
    ["Chunks", chunks.toLocaleString("en")],
    // The folder of a local file is nobody's business.
    [
      "Source",
      source.startsWith("file:")
        ? decodeURIComponent(source.slice(source.lastIndexOf("/", source.length - 2) + 1))
        : source,
    ],
  ];
}

function access({ id, dataset }: Opened, group: GroupSummary, base: URL): Html {
  const sample = group.variables.find((v) => !v.isCoordinate && v.variable.spec.dims.length > 1) ?? group.variables[0];
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
function storage({ cube, problems = [] }: Dataset): Html | undefined {
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
  return html`<section><h2>Addresses</h2><ul>${links.map(
    ({ href, title }) => html`<li>${title}: <a href="${href}"><code>${href}</code></a></li>`,
  )}</ul></section>`;
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

const STYLE = `:root{--ink:#17212b;--soft:#5a6875;--line:#d9dfe5;--back:#fff;--panel:#f4f6f8;--accent:#0b61a4}
@media (prefers-color-scheme:dark){:root{--ink:#e3e8ed;--soft:#98a5b1;--line:#2f3b46;--back:#12181e;--panel:#1a222a;--accent:#6db4ee}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:1.5rem;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
a{color:var(--accent)}code,pre{font:0.875em/1.5 ui-monospace,monospace}
nav,footer{color:var(--soft);font-size:.9rem}footer{border-top:1px solid var(--line);margin-top:2.5rem;padding-top:1rem}
h1{font-size:1.7rem;line-height:1.25;margin:.4rem 0 .8rem;overflow-wrap:anywhere}h2{font-size:1.15rem;margin:2rem 0 .6rem}h3{font-size:1rem;margin:1.2rem 0 .4rem}
.facts{display:flex;flex-wrap:wrap;gap:.4rem 2rem;margin:0}.facts dt{color:var(--soft);font-size:.8rem}.facts dd{margin:0;overflow-wrap:anywhere}
.dimensions{display:flex;flex-wrap:wrap;gap:.4rem;list-style:none;margin:0;padding:0}.dimensions li{background:var(--panel);border-radius:.3rem;padding:.15rem .6rem}
.codes{border:1px solid var(--line);border-radius:.4rem}.codes>details+details{border-top:1px solid var(--line)}
.codes summary{cursor:pointer;font-weight:600;padding:.5rem .8rem}.codes p{color:var(--soft);margin:0 .8rem .4rem}
.code{position:relative}.code button{position:absolute;right:.6rem;top:.5rem;border:1px solid var(--line);border-radius:.3rem;background:var(--back);color:var(--ink);padding:.15rem .6rem;cursor:pointer}
pre{background:var(--panel);margin:0;padding:.8rem;overflow-x:auto}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.3rem .9rem .3rem 0;vertical-align:top}thead th{color:var(--soft);font-weight:500;border-bottom:1px solid var(--line)}
tbody{border-bottom:1px solid var(--line)}th.number,td.number{text-align:right;white-space:nowrap}
.about td{padding-top:0;color:var(--soft)}.about summary{cursor:pointer;color:var(--accent);width:max-content}.about details{display:inline-block;vertical-align:top;max-width:100%}
.attributes{margin:.3rem 0}.attributes div{display:grid;grid-template-columns:minmax(8rem,14rem) 1fr;gap:1rem;padding:.1rem 0;font-size:.9rem}.attributes dt{color:var(--soft);overflow-wrap:anywhere}.attributes dd{margin:0;color:var(--ink);overflow-wrap:anywhere;white-space:pre-wrap}
.group{border-left:3px solid var(--line);margin-top:2rem;padding-left:1.2rem}
@media (max-width:40rem){body{padding:1rem}.attributes div{grid-template-columns:1fr;gap:0}}
`;

/** Allows what the page itself brings, and nothing from anywhere else. */
export const PAGE_POLICY = `default-src 'none'; base-uri 'none'; form-action 'none'; style-src '${sourceHash(STYLE)}'; script-src '${sourceHash(SCRIPT)}'`;

function sourceHash(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
