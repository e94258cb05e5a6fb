import { createHash } from "node:crypto";
import { Html, html } from "../core/html.ts";
import { conditionsOf, toResponse } from "./conditional.ts";
import { documentOf, documentReply } from "./document.ts";

/** A page of the node: everything it shows comes with it. */
export interface Page {
  readonly title: string;
  readonly base: URL;
  /** The way from the node's own page to this one. */
  readonly crumbs?: readonly Crumb[];
  /** Between the heading and the first section. */
  readonly lead?: Html | undefined;
  readonly main: Html;
  readonly footer?: Html;
  readonly script?: string;
}

export interface Crumb {
  readonly text: string;
  /** Below the node's root; absent for the page itself. */
  readonly path?: string;
}

/** Answers with a page, under a policy that lets nothing in from elsewhere; `headers` may say how long it keeps. */
export function pageResponse(request: Request, page: Page, headers: Readonly<Record<string, string>> = {}): Response {
  const all = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": policyOf(page.script),
    "Referrer-Policy": "same-origin",
    ...headers,
  };
  return toResponse(documentReply(documentOf(pageText(page)), conditionsOf(request), all));
}

function pageText({ title, base, crumbs = [], lead, main, footer, script }: Page): string {
  return html`<!doctype html>
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
<div class="top">
<nav aria-label="Breadcrumb"><a href="${base.href}"><b>Gyre</b></a>${crumbs.map((crumb) => html` / ${crumbText(crumb, base)}`)}</nav>
<nav aria-label="Node"><a href="${base.href}docs">API</a> <a href="${base.href}problems">Problems</a></nav>
</div>
<h1>${title}</h1>
${lead}
</header>
<main>
${main}
</main>
${footer && html`<footer>${footer}</footer>`}
${script === undefined ? undefined : html`<script>${new Html(script)}</script>`}
</body>
</html>
`.text;
}

function crumbText({ text, path }: Crumb, base: URL): Html | string {
  return path === undefined ? text : html`<a href="${base.href}${path}">${text}</a>`;
}

function policyOf(script: string | undefined): string {
  const scripts = script === undefined ? "" : `; script-src '${sourceHash(script)}'`;
  return `default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; style-src '${STYLE_HASH}'${scripts}`;
}

function sourceHash(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

const STYLE = `:root{--ink:#17212b;--soft:#566370;--line:#d9dfe5;--back:#fff;--panel:#f4f6f8;--accent:#0b61a4}
@media (prefers-color-scheme:dark){:root{--ink:#e3e8ed;--soft:#98a5b1;--line:#2f3b46;--back:#12181e;--panel:#1a222a;--accent:#6db4ee}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:1.5rem;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
a{color:var(--accent)}code,pre{font:0.875em/1.5 ui-monospace,monospace}
nav,footer{color:var(--soft);font-size:.9rem;overflow-wrap:anywhere}footer{border-top:1px solid var(--line);margin-top:2.5rem;padding-top:1rem}
.top{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.2rem 2rem}.top nav+nav a{margin-left:1rem}.top nav+nav a:first-child{margin-left:0}
h1{font-size:1.7rem;line-height:1.25;margin:.4rem 0 .8rem;overflow-wrap:anywhere}h2{font-size:1.15rem;margin:2rem 0 .6rem}h3{font-size:1rem;margin:1.2rem 0 .4rem}
.soft{color:var(--soft)}li,p{overflow-wrap:anywhere}
.facts{display:flex;flex-wrap:wrap;gap:.4rem 2rem;margin:0}.facts dt{color:var(--soft);font-size:.8rem}.facts dd{margin:0;overflow-wrap:anywhere}
.dimensions{display:flex;flex-wrap:wrap;gap:.4rem;list-style:none;margin:0;padding:0}.dimensions li{background:var(--panel);border-radius:.3rem;padding:.15rem .6rem}
.codes{border:1px solid var(--line);border-radius:.4rem}.codes>details+details{border-top:1px solid var(--line)}
.codes summary{cursor:pointer;font-weight:600;padding:.5rem .8rem}.codes p{color:var(--soft);margin:0 .8rem .4rem}
.code{position:relative}.code button{position:absolute;right:.6rem;top:.5rem}
button,input{border:1px solid var(--line);border-radius:.3rem;background:var(--back);color:var(--ink);font:inherit;padding:.15rem .6rem}button{cursor:pointer}
pre{background:var(--panel);margin:0;padding:.8rem;overflow-x:auto}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.3rem .9rem .3rem 0;vertical-align:top}thead th{color:var(--soft);font-weight:500;border-bottom:1px solid var(--line)}
tbody{border-bottom:1px solid var(--line)}th.number,td.number{text-align:right;white-space:nowrap}
.about td{padding-top:0;color:var(--soft)}.about summary{cursor:pointer;color:var(--accent);width:max-content}.about details{display:inline-block;vertical-align:top;max-width:100%}
.attributes{margin:.3rem 0}.attributes div{display:grid;grid-template-columns:minmax(8rem,14rem) 1fr;gap:1rem;padding:.1rem 0;font-size:.9rem}.attributes dt{color:var(--soft);overflow-wrap:anywhere}.attributes dd{margin:0;color:var(--ink);overflow-wrap:anywhere;white-space:pre-wrap}
.group{border-left:3px solid var(--line);margin-top:2rem;padding-left:1.2rem}
.search{display:flex;gap:.5rem;margin:.8rem 0;max-width:40rem}.search input{flex:1;min-width:0;padding:.35rem .6rem}.search button{padding:.35rem .9rem}
.list{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}.list li{border-bottom:1px solid var(--line);padding:.35rem 0;overflow-wrap:anywhere}
.list p{margin:.1rem 0;overflow-wrap:anywhere}.list .soft{font-size:.9rem}
.operation{border:1px solid var(--line);border-radius:.4rem;margin:.5rem 0}.operation>summary{cursor:pointer;padding:.5rem .8rem;overflow-wrap:anywhere}.operation>div{padding:0 .8rem .8rem}
.operation h4{font-size:.8rem;font-weight:500;color:var(--soft);margin:.9rem 0 .2rem}.operation table{width:auto}.operation tbody{border:0}
.method{display:inline-block;min-width:3.2rem;font:600 .8rem/1.5 ui-monospace,monospace;color:var(--accent)}.says{display:block;color:var(--soft);font-size:.9rem;padding-left:1.1rem}
.contents{columns:20rem;font-size:.9rem;padding-left:1.2rem;margin:0}.contents li{overflow-wrap:anywhere;break-inside:avoid}
@media (max-width:40rem){body{padding:1rem}.attributes div{grid-template-columns:1fr;gap:0}}
`;
const STYLE_HASH = sourceHash(STYLE);
