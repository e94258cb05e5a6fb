import { html } from "../../../core/html.ts";
import { type DataPackage, type DatasetChange, datasetFolder, datasetsOf } from "../datapackage.ts";
import { packagePage, timeText } from "./page.ts";

/** `version.html`: what the package has now, and how it came to that. */
export function versionPage(datapackage: DataPackage): string {
  const { title, boundary, version, history } = datapackage;
  const datasets = datasetsOf(datapackage);
  return packagePage({
    title: `Versions of ${title}`,
    up: "",
    crumbs: [{ text: "Data package" }, { text: boundary.name, href: "index.html" }, { text: "Versions" }],
    main: html`<p>This is version <strong>${version}</strong>. Every change makes a new one.</p>
${
  datasets.length === 0
    ? undefined
    : html`<h2>Datasets</h2>
<div class="wide" role="region" aria-label="Table" tabindex="0"><table>
<thead><tr><th scope="col">Dataset</th><th scope="col">Version</th><th scope="col">Made</th><th scope="col">Source</th></tr></thead>
<tbody>${datasets.map(
        (
          one,
        ) => html`<tr><th scope="row" class="name"><a href="${datasetFolder(one)}index.html">${one.gyre.dataset}</a></th><td>${one.version}</td><td>${timeText(one.gyre.created)}</td><td><code>${one.gyre.sourceDigest}</code></td></tr>
`,
      )}</tbody></table></div>`
}
<h2>Changes</h2>
<div class="wide" role="region" aria-label="Table" tabindex="0"><table>
<thead><tr><th scope="col">Version</th><th scope="col">Time</th><th scope="col">What changed</th></tr></thead>
<tbody>${history.map(
      (
        state,
      ) => html`<tr><th scope="row">${state.version}</th><td>${timeText(state.time)}</td><td>${changeText(state.changes)}</td></tr>
`,
    )}</tbody></table></div>
<h2>Boundary</h2>
<p>${boundary.nameLong}, administrative level ${boundary.adminLevel}: <code>${boundary.digest}</code></p>`,
  });
}

function changeText(changes: readonly DatasetChange[]): string {
  if (changes.length === 0) return "The package was made";
  return changes.map(({ change, dataset }) => `${dataset} ${change}`).join(", ");
}
