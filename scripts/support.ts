import { readFileSync, writeFileSync } from "node:fs";
import { createCodecRegistry } from "../src/codecs/registry.ts";
import { FORMATS, PROTOCOLS } from "../src/node.ts";
import { VECTOR_FORMATS } from "../src/vector/open.ts";
import { VECTOR_WRITERS } from "../src/vector/writers.ts";
import { EXCUSES } from "../test/truth/excuses.ts";

// `npm run support` writes docs/support.md from the registries themselves; with --check it only compares.

/** Facts that no registry knows: corners of a format that are refused, each with what happens instead. */
const CORNERS = readFileSync("docs/corners.md", "utf8").trim();

const yes = (value: boolean): string => (value ? "yes" : "-");
const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");

const codecs = [...createCodecRegistry().entries()].sort((a, b) => (a.name < b.name ? -1 : 1));
const text = `# What Gyre supports

Made by \`npm run support\` from the registries of the program; \`npm test\` fails when it is not up to date.

## Formats
${table(
  ["format", "what", "usual suffixes"],
  FORMATS.map(({ name, summary, suffixes }) => [name, summary, suffixes.map((s) => `\`${s}\``).join(" ")]),
)}

## Vector files
Read by their indexes where they have them, and streamed; also out of a ZIP archive that holds them. Heights are kept,
measures are not; curves and surfaces are refused by their names. A PostGIS table or query is a layer, too.

${table(
  ["format", "read", "written", "suffixes"],
  VECTOR_FORMATS.map(({ name, extensions }) => [
    name,
    "yes",
    yes(VECTOR_WRITERS.some(({ extension }) => extensions.includes(extension))),
    extensions.map((extension) => `\`${extension}\``).join(" "),
  ]),
)}

## Protocols
${table(
  ["protocol", "what", "routes"],
  PROTOCOLS.map(({ name, summary, routes }) => [
    name,
    summary,
    routes.map((r) => `\`${r.path.replaceAll("|", "\\|")}\``).join("<br>"),
  ]),
)}

## Codecs
Known under the ids of numcodecs, imagecodecs, the Zarr v3 registry and HDF5's filter numbers. A variable with a codec
that is not listed still opens and is served raw; decoding it answers 422 with the codec's name.

${table(
  ["codec", "decodes", "encodes", "what", "also known as"],
  codecs.map(({ name, encodes, summary, aliases }) => [
    `\`${name}\``,
    "yes",
    yes(encodes),
    summary,
    (aliases ?? []).map((alias) => `\`${alias}\``).join(" "),
  ]),
)}

${CORNERS}

## Differences from the records of independent tools
\`npm run truth\` compares every record; these are the differences that we stand by.

${
  EXCUSES.length === 0
    ? "None."
    : table(
        ["record", "property", "why"],
        EXCUSES.map((e) => [`\`${e.record}\``, `\`${e.path}\``, e.reason]),
      )
}
`;

if (process.argv.includes("--check")) {
  if (readFileSync("docs/support.md", "utf8") !== text) {
    console.error("docs/support.md is not up to date: npm run support");
    process.exit(1);
  }
} else {
  writeFileSync("docs/support.md", text);
}
