import { Html, html } from "../../../core/html.ts";

/** A page of a package: complete in itself, so that it can be read from a folder, a bucket or an unpacked archive. */
export interface PackagePage {
  readonly title: string;
  /** From this page to the package's folder: `""`, or `../../../`. */
  readonly up: string;
  readonly crumbs: readonly { readonly text: string; readonly href?: string }[];
  readonly main: Html;
}

export function packagePage({ title, up, crumbs, main }: PackagePage): string {
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
<nav aria-label="Breadcrumb"><ol>${crumbs.map(({ text, href }) => html`<li>${href === undefined ? text : html`<a href="${href}">${text}</a>`}</li>`)}</ol></nav>
<h1>${title}</h1>
</header>
<main>
${main}
</main>
<footer>
<nav aria-label="Package"><a href="${up}index.html">Contents</a> <a href="${up}license.html">Licences</a> <a href="${up}version.html">Versions</a> <a href="${up}datapackage.json">datapackage.json</a> <a href="${up}stac.json">stac.json</a> <a href="${up}recipe.json">recipe.json</a> <a href="${up}provenance.json">provenance.json</a></nav>
</footer>
</body>
</html>
`.text;
}

/** A link where the address is one of the web; else its text. What metadata says is never run. */
export function webLink(href: string | undefined, text: string): Html | string {
  return href !== undefined && /^https?:\/\//i.test(href) ? html`<a href="${href}" rel="noreferrer">${text}</a>` : text;
}

/** Paragraphs of a text that has no markup. */
export function paragraphs(text: string): readonly Html[] {
  const parts = text.split(/\n\s*\n/).map((part) => part.trim());
  return parts.filter((part) => part !== "").map((part) => html`<p>${part}</p>`);
}

export function byteText(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

/** A date and time to the minute, marked as one. */
export function timeText(time: string): Html {
  return html`<time datetime="${time}">${time.slice(0, 16).replace("T", " ")} UTC</time>`;
}

const STYLE = `:root{--ink:#17212b;--soft:#566370;--line:#d9dfe5;--back:#fff;--panel:#f4f6f8;--accent:#0b61a4}
@media (prefers-color-scheme:dark){:root{--ink:#e3e8ed;--soft:#98a5b1;--line:#2f3b46;--back:#12181e;--panel:#1a222a;--accent:#6db4ee}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:64rem;padding:1.5rem;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
a{color:var(--accent)}code,pre{font:.875em/1.5 ui-monospace,monospace}pre{background:var(--panel);margin:.2rem 0 .8rem;padding:.6rem .8rem;overflow-x:auto;overflow-wrap:normal}
nav{color:var(--soft);font-size:.9rem}nav ol{display:flex;flex-wrap:wrap;gap:.2rem .5rem;list-style:none;margin:0;padding:0}nav li+li::before{content:"/ "}
footer{border-top:1px solid var(--line);margin-top:2.5rem;padding-top:1rem}footer nav{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem}
h1{font-size:1.7rem;line-height:1.25;margin:.4rem 0 .8rem}h2{font-size:1.15rem;margin:2rem 0 .5rem}h3{font-size:1rem;margin:1.2rem 0 .3rem}
p{margin:.4rem 0;max-width:46rem}.soft{color:var(--soft)}
dl{display:flex;flex-wrap:wrap;gap:.4rem 2rem;margin:.6rem 0}dt{color:var(--soft);font-size:.8rem}dd{margin:0}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;padding:.35rem 1rem .35rem 0;vertical-align:top;border-bottom:1px solid var(--line)}
thead th{color:var(--soft);font-weight:500}tbody th{font-weight:600}tbody th .soft{font-weight:400}th,td{overflow-wrap:normal}.number,time{text-align:right;white-space:nowrap}.name{min-width:11rem;overflow-wrap:anywhere}td code{display:block;min-width:17rem;overflow-wrap:anywhere}
@media (max-width:40rem){body{padding:1rem}}
`;
