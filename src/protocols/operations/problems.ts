import { html } from "../../core/html.ts";
import { publicSource, publicText } from "../../core/public-source.ts";
import type { Page } from "../page.ts";

/** A trouble of a source, as the registry lists it. */
export interface Problem {
  readonly source: string;
  readonly offset?: number;
  readonly reason: string;
  /** ISO 8601. */
  readonly since: string;
}

/** More on one page helps nobody; the JSON has them all. */
const MOST_SHOWN = 1000;

/** The same for everybody's eyes: without the folders that lead to the archive, without what may be a secret. */
export function publicProblem({ source, offset, reason, since }: Problem, roots?: readonly URL[]): Problem {
  const where = offset === undefined ? "" : ` at byte ${offset}`;
  const start = `${source}${where}: `;
  const bare = reason.startsWith(start) ? reason.slice(start.length) : reason;
  return {
    source: publicSource(source, roots),
    ...(offset === undefined ? {} : { offset }),
    reason: publicText(bare, roots),
    since,
  };
}

export function problemsPage(problems: readonly Problem[], base: URL): Page {
  return {
    title: "Problems",
    base,
    crumbs: [{ text: "Problems" }],
    lead: html`<p class="soft">${
      problems.length === 0
        ? "Every source can be read."
        : `${problems.length.toLocaleString("en")} of this node's sources cannot be read, or not as a whole. The others are served.`
    }</p>`,
    main: html`${
      problems.length === 0
        ? undefined
        : html`<ul class="list">
${problems.slice(0, MOST_SHOWN).map(
  ({ source, offset, reason, since }) => html`<li><code>${source}</code>
<p>${reason}</p>
<p class="soft">${offset === undefined ? undefined : `at byte ${offset.toLocaleString("en")}, `}since <time datetime="${since}">${since.slice(0, 16).replace("T", " ")} UTC</time></p></li>
`,
)}</ul>`
    }${problems.length > MOST_SHOWN ? html`<p class="soft">These are the first ${MOST_SHOWN.toLocaleString("en")}.</p>` : undefined}`,
    footer: html`Programs get JSON from the same address.`,
  };
}
