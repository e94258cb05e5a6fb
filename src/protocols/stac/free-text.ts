import { GyreError } from "../../errors.ts";

const MOST_TERMS = 50;

/**
 * The `q` of the Free-Text extension: any of the terms between commas (or of the list). A phrase in quotes is one term;
 * words of a term without quotes must all be there. Answers groups of which one must hold, each all of its terms.
 */
export function parseFreeText(q: string | readonly string[]): readonly (readonly string[])[] {
  const terms = (typeof q === "string" ? splitOutsideQuotes(q) : q).map((term) => term.trim()).filter((t) => t !== "");
  const groups = terms.map((term) =>
    [...term.matchAll(/"([^"]*)"|(\S+)/g)].map(([, phrase, word]) => (phrase ?? word ?? "").trim()).filter(Boolean),
  );
  const filled = groups.filter((group) => group.length > 0);
  if (filled.flat().length > MOST_TERMS) {
    throw new GyreError("BadRequest", `q has more than ${MOST_TERMS} words`, { subject: "q" });
  }
  if (filled.length === 0) throw new GyreError("BadRequest", "q has no word", { subject: "q" });
  return filled;
}

function splitOutsideQuotes(text: string): string[] {
  return text.match(/(?:"[^"]*"|[^,"]|")+/g) ?? [];
}
