import { z } from "zod";
import { html } from "../../core/html.ts";
import type { Page } from "../page.ts";
import { datasetUrl, type RouteCall } from "../protocol.ts";

export const HOME_QUERY = z.strictObject({
  prefix: z.string().max(200).optional().describe("only datasets whose ids begin so"),
});

const MOST_SHOWN = 1000;

/** The datasets, for people. */
export async function homePage({ query, access, call, base }: RouteCall, version: string): Promise<Page> {
  const { prefix = "" } = query;
  const ids: string[] = [];
  for await (const id of access.list(call, prefix === "" ? {} : { prefix })) {
    if (ids.push(id) > MOST_SHOWN) break;
  }
  const shown = ids.slice(0, MOST_SHOWN);
  return {
    title: "Datasets",
    base,
    main: html`<form class="search" role="search" action="${base.href}">
<input type="search" name="prefix" value="${prefix}" maxlength="200" placeholder="Begins with …" aria-label="Datasets whose ids begin with"><button>Show</button>
</form>
<p class="soft">${countText(ids.length, prefix)}</p>
${
  shown.length === 0
    ? undefined
    : html`<ul class="list">
${shown.map((id) => html`<li><a href="${datasetUrl(base, id, "")}">${id}</a></li>\n`)}</ul>`
}`,
    footer: html`Gyre ${version}. For programs: <a href="${base.href}datasets">datasets</a>, <a href="${base.href}openapi.json">openapi.json</a>, <a href="${base.href}versions">versions</a>, <a href="${base.href}metrics">metrics</a>`,
  };
}

function countText(count: number, prefix: string): string {
  const which = prefix === "" ? "" : ` whose ids begin with ${prefix}`;
  if (count > MOST_SHOWN)
    return `The first ${MOST_SHOWN.toLocaleString("en")} datasets${which}; a longer beginning shows fewer.`;
  if (count === 0) return prefix === "" ? "No datasets yet." : `There are no datasets${which}.`;
  return `${count.toLocaleString("en")} ${count === 1 ? "dataset" : "datasets"}${which}`;
}
