import type { Json } from "../../core/array.ts";
import { type Html, html } from "../../core/html.ts";
import type { OpenApi, Operation, Parameter } from "../openapi.ts";
import type { Page } from "../page.ts";

export interface ApiPageOptions {
  readonly base: URL;
  /** Every operation shown whole, with a table of contents. */
  readonly isOpen: boolean;
  /** Id of a dataset that lines to try may name. */
  readonly example?: string | undefined;
}

interface Listed {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

/** A page made of an OpenAPI document; works without scripts. */
export function apiPage({ info, tags, paths }: OpenApi, options: ApiPageOptions): Page {
  const { base, isOpen } = options;
  const operations: Listed[] = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  const groups = tags.map((tag) => ({ ...tag, listed: operations.filter((o) => o.operation.tags.includes(tag.name)) }));
  return {
    title: "API",
    base,
    crumbs: [{ text: "API" }],
    lead: html`<p class="soft">${info.title} ${info.version}, ${operations.length} operations. <a href="${base.href}openapi.json">OpenAPI document</a>, ${
      isOpen
        ? html`<a href="${base.href}docs">short form</a>`
        : html`<a href="${base.href}redoc">everything on one page</a>`
    }</p>`,
    main: html`${isOpen ? contents(operations) : undefined}
${groups.map(
  ({ name, description, listed }) => html`<section><h2>${name}</h2><p class="soft">${description}</p>
${listed.map((entry) => operationDetails(entry, options))}</section>
`,
)}`,
  };
}

function contents(operations: readonly Listed[]): Html {
  return html`<ul class="contents">${operations.map(
    (entry) => html`<li><a href="#${anchor(entry)}"><code>${entry.path}</code></a></li>`,
  )}</ul>`;
}

function anchor({ method, path }: Listed): string {
  return `${method}-${path}`.replace(/[^A-Za-z0-9.-]+/g, "_");
}

function operationDetails(entry: Listed, { base, isOpen, example }: ApiPageOptions): Html {
  const { method, path, operation } = entry;
  const summary = html`<span class="method">${method}</span> <code>${path}</code><span class="says">${operation.summary}</span>`;
  const body = html`<div>
${operation.parameters.length > 0 ? html`<h4>Parameters</h4>${parameterTable(operation.parameters)}` : undefined}
<h4>Answers</h4>${responseTable(operation)}
<h4>Try</h4><pre><code>${curlLine(entry, base, example)}</code></pre>
</div>`;
  return isOpen
    ? html`<details class="operation" open id="${anchor(entry)}"><summary>${summary}</summary>${body}</details>`
    : html`<details class="operation" id="${anchor(entry)}"><summary>${summary}</summary>${body}</details>`;
}

function parameterTable(parameters: readonly Parameter[]): Html {
  return html`<div class="wide"><table>${parameters.map(
    ({ name, in: place, required, schema }) =>
      html`<tr><th scope="row"><code>${name}</code></th><td>${place}${required ? "" : ", optional"}</td><td>${schemaText(schema)}</td></tr>`,
  )}</table></div>`;
}

function responseTable({ responses }: Operation): Html {
  return html`<div class="wide"><table>${Object.entries(responses).map(
    ([status, { description, content = {} }]) =>
      html`<tr><th scope="row">${status}</th><td>${description}</td><td>${Object.keys(content).join(", ")}</td></tr>`,
  )}</table></div>`;
}

/** A JSON schema in a few words. */
function schemaText(schema: Json): string {
  if (typeof schema !== "object" || schema === null) return "";
  const { type, enum: values, description, pattern, minimum, maximum } = schema as { readonly [key: string]: Json };
  const words = [
    Array.isArray(values) ? values.join(" | ") : typeof type === "string" ? type : "",
    typeof pattern === "string" ? `matching ${pattern}` : "",
    typeof minimum === "number" ? `at least ${minimum}` : "",
    typeof maximum === "number" && maximum < Number.MAX_SAFE_INTEGER ? `at most ${maximum}` : "",
  ];
  const what = words.filter((word) => word !== "").join(", ");
  return typeof description === "string" ? `${what}; ${description}` : what;
}

/** What is left to fill in stays in braces, which curl would take for alternatives. */
function curlLine({ method, path }: Listed, base: URL, example: string | undefined): string {
  const filled = example === undefined ? path : path.replace("{id}", encodeURIComponent(example));
  const flags = [method === "GET" ? "" : `-X ${method} `, filled.includes("{") ? "--globoff " : ""].join("");
  return `curl ${flags}'${base.href}${filled.slice(1)}'`;
}
