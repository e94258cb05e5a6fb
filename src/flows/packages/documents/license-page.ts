import { html } from "../../../core/html.ts";
import type { Licence } from "../../processors/processor.ts";
import { type DataPackage, type DatasetResource, datasetFolder, datasetName, datasetsOf } from "../datapackage.ts";
import { packagePage, paragraphs, webLink } from "./page.ts";

const UP = "../../../";

/** `license.html` of a package: each licence once, with the datasets that are under it and how these are cited. */
export function licensePage(datapackage: DataPackage): string {
  const { title, licenses, boundary } = datapackage;
  const datasets = datasetsOf(datapackage);
  return packagePage({
    title: `Licences of ${title}`,
    up: "",
    crumbs: [{ text: "Data package" }, { text: boundary.name, href: "index.html" }, { text: "Licences" }],
    main: html`${licenses.length === 0 ? html`<p>There are no datasets yet.</p>` : html`<p>Every dataset keeps the licence of its source. Whoever passes files on has to keep to it.</p>`}
${licenses.map(
  (licence) => html`<h2>${licence.title}</h2>
<p>${licenceText(licence)}</p>
<ul>${datasets
    .filter((one) => one.licenses.some(({ name }) => name === licence.name))
    .map(
      (one) => html`<li><a href="${datasetFolder(one)}license.html">${datasetName(one)}</a>: ${one.gyre.author}</li>`,
    )}</ul>
`,
)}`,
  });
}

/** `license.html` of a dataset version. */
export function datasetLicensePage({ title }: DataPackage, one: DatasetResource): string {
  const { gyre, licenses } = one;
  return packagePage({
    title: `Licence of ${one.title ?? datasetName(one)}`,
    up: UP,
    crumbs: [
      { text: title, href: `${UP}index.html` },
      { text: datasetName(one), href: "index.html" },
      { text: "Licence" },
    ],
    main: html`${licenses.map(
      (licence) => html`<h2>${licence.title}</h2>
<p>${licenceText(licence)}</p>
`,
    )}
<dl>
<div><dt>Author</dt><dd>${gyre.author}</dd></div>
<div><dt>Source</dt><dd>${webLink(gyre.originUrl, gyre.titleLong || gyre.originUrl)}</dd></div>
</dl>
${gyre.citation === "" ? undefined : html`<h2>Cite</h2>\n${paragraphs(gyre.citation)}`}`,
  });
}

function licenceText({ name, path }: Licence) {
  return html`<code>${name}</code>${path ? html`, ${webLink(path, path)}` : undefined}`;
}
