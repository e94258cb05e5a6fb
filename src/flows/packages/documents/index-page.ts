import { type Html, html } from "../../../core/html.ts";
import {
  type DataPackage,
  type DatasetResource,
  datasetFolder,
  datasetName,
  datasetsOf,
  filesOf,
  type PackageFile,
} from "../datapackage.ts";
import { howToOpen, type Opening } from "./how-to-open.ts";
import { byteText, packagePage, paragraphs, timeText, webLink } from "./page.ts";

/** From the page of a dataset version to its package. */
const UP = "../../../";

/** `index.html` of a package: what is in it. */
export function indexPage(datapackage: DataPackage, at: (path: string) => URL): string {
  const datasets = datasetsOf(datapackage);
  const files = filesOf(datapackage);
  const { title, boundary, version, created, updated } = datapackage;
  const outline = datapackage.resources.find(({ gyre }) => gyre === undefined)?.files[0];
  return packagePage({
    title,
    up: "",
    crumbs: [{ text: "Data package" }, { text: boundary.name }],
    main: html`<p>Datasets cut out for ${title}, as a <a href="https://datapackage.org/">Frictionless Data Package</a>.</p>
<dl>
<div><dt>Version</dt><dd><a href="version.html">${version}</a></dd></div>
<div><dt>Made</dt><dd>${timeText(created)}</dd></div>
<div><dt>Changed</dt><dd>${timeText(updated)}</dd></div>
<div><dt>Datasets</dt><dd>${datasets.length}</dd></div>
<div><dt>Files</dt><dd>${files.length}, ${byteText(files.reduce((sum, { bytes }) => sum + bytes, 0))}</dd></div>
</dl>
<h2>Datasets</h2>
${datasets.length === 0 ? html`<p>There are none yet.</p>` : datasetTable(datasets)}
${
  outline === undefined
    ? undefined
    : html`<h2>Boundary</h2>
<p><a href="${outline.path}">${outline.path}</a> (${byteText(outline.bytes)}): the area as polygons in degrees of WGS 84.</p>
${openings(howToOpen(outline, at(outline.path))?.openings)}`
}
<h2>All of it</h2>
<p><code>datapackage.json</code> names every file with its size and SHA-256. With <a href="https://framework.frictionlessdata.io/">frictionless</a> a copy is checked against it:</p>
<pre><code>frictionless validate datapackage.json</code></pre>`,
  });
}

function datasetTable(datasets: readonly DatasetResource[]): Html {
  return html`<div class="wide" role="region" aria-label="Table" tabindex="0"><table>
<thead><tr><th scope="col">Dataset</th><th scope="col">What it is</th><th scope="col">Formats</th><th scope="col" class="number">Files</th><th scope="col" class="number">Size</th><th scope="col">Licence</th></tr></thead>
<tbody>${datasets.map(
    (
      one,
    ) => html`<tr><th scope="row" class="name"><a href="${datasetFolder(one)}index.html">${datasetName(one)}</a></th>
<td>${one.title ?? one.name}${one.gyre.isEmpty ? html`<br><span class="soft">Nothing inside of this area</span>` : undefined}</td>
<td>${[...new Set(one.files.map(({ format }) => format))].join(", ")}</td>
<td class="number">${one.files.length}</td><td class="number">${byteText(one.bytes)}</td>
<td>${one.licenses.map(({ path, name }) => webLink(path, name))}</td></tr>
`,
  )}</tbody></table></div>`;
}

/** `index.html` of a dataset version: its files, and how they are opened. */
export function datasetPage(datapackage: DataPackage, one: DatasetResource, at: (path: string) => URL): string {
  const { gyre, files, licenses, description } = one;
  const kinds = new Map<string, readonly Opening[]>();
  for (const file of files) {
    const how = howToOpen(file, at(file.path));
    if (how !== undefined && !kinds.has(how.kind)) kinds.set(how.kind, how.openings);
  }
  return packagePage({
    title: one.title ?? datasetName(one),
    up: UP,
    crumbs: [{ text: datapackage.title, href: `${UP}index.html` }, { text: datasetName(one) }],
    main: html`${paragraphs(description)}
${gyre.isEmpty ? html`<p><strong>The source has nothing inside of this area.</strong></p>` : undefined}
<dl>
<div><dt>Author</dt><dd>${gyre.author}</dd></div>
<div><dt>Licence</dt><dd><a href="license.html">${licenses.map(({ name }) => name).join(", ")}</a></dd></div>
<div><dt>Source</dt><dd>${webLink(gyre.originUrl, gyre.titleLong || gyre.originUrl)}</dd></div>
<div><dt>Made</dt><dd>${timeText(gyre.created)}</dd></div>
</dl>
${gyre.summary === description ? undefined : paragraphs(gyre.summary)}
<h2>Files</h2>
${fileTable(files, one)}
${[...kinds].map(([kind, ways]) => html`<h2>Open ${kind}</h2>\n${openings(ways)}`)}
${gyre.citation === "" ? undefined : html`<h2>Cite</h2>\n${paragraphs(gyre.citation)}`}
${gyre.notes.length === 0 ? undefined : html`<h2>How it was made</h2>\n<ul>${gyre.notes.map((note) => html`<li>${note}</li>`)}</ul>`}`,
  });
}

function fileTable(files: readonly PackageFile[], one: DatasetResource): Html {
  const folder = datasetFolder(one);
  return html`<div class="wide" role="region" aria-label="Table" tabindex="0"><table>
<thead><tr><th scope="col">File</th><th scope="col">Format</th><th scope="col" class="number">Size</th><th scope="col">SHA-256</th></tr></thead>
<tbody>${files.map(
    ({
      path,
      title,
      format,
      bytes,
      hash,
      crs,
    }) => html`<tr><th scope="row" class="name"><a href="${path.slice(folder.length)}">${path.slice(path.lastIndexOf("/") + 1)}</a>${title === undefined ? undefined : html`<br><span class="soft">${title}</span>`}</th>
<td>${format}${crs === undefined || crs.length > 40 ? undefined : html`<br><span class="soft">${crs}</span>`}</td><td class="number">${byteText(bytes)}</td><td><code>${hash.replace("sha256:", "")}</code></td></tr>
`,
  )}</tbody></table></div>`;
}

function openings(ways: readonly Opening[] = []): readonly Html[] {
  return ways.map(({ title, code }) => html`<h3>${title}</h3>\n<pre><code>${code}</code></pre>\n`);
}
