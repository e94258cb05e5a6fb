import { parseArgs } from "node:util";
import type { Opened } from "../core/access.ts";
import { attrsToJson } from "../core/attrs.ts";
import type { CubeReport } from "../core/cube.ts";
import { dtypeName } from "../core/dtype.ts";
import { cdl } from "./cdl.ts";
import type { Command } from "./command.ts";
import { nodeOver, openedBy } from "./opened.ts";
import { SOURCE_HELP, SOURCE_OPTIONS } from "./settings.ts";

const OPTIONS = { ...SOURCE_OPTIONS, json: { type: "boolean" } } as const;

export const inspect: Command = {
  name: "inspect",
  summary: "show what a source holds, like ncdump -h, with chunks and codecs",
  help: `gyre inspect SOURCE... [OPTIONS]

Prints the header of every dataset of a file, folder, glob or address: dimensions, variables, attributes, chunks and
codecs; of cubes also how their members fit together. Nothing is written.

${SOURCE_HELP}
      --json             one JSON document per dataset

Example:
  gyre inspect tas_Amon_MODEL_historical_r1i1p1f1_gn_185001-201412.nc`,

  async run(argv, io) {
    const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
    if (positionals.length === 0) {
      io.err("gyre inspect takes at least one source; try: gyre inspect --help");
      return 2;
    }
    const node = await nodeOver(positionals, values, { isTransient: true }, io);
    try {
      await node.scan(io.signal);
      let shown = 0;
      for await (const opened of openedBy(node, io)) {
        if (values.json) io.out(JSON.stringify(toJson(opened)));
        else {
          if (shown > 0) io.out("");
          for (const line of cdl(opened.id, opened.dataset)) io.out(line);
          for (const line of reportLines(opened.dataset.cube)) io.out(line);
        }
        shown++;
      }
      if (shown === 0) io.err(`${positionals.join(", ")}: nothing that Gyre can read`);
      return shown > 0 ? 0 : 1;
    } finally {
      await node.close();
    }
  },
};

function toJson({ id, source, dataset }: Opened): object {
  const variables = [...dataset.variables].map(([name, { spec }]) => [
    name,
    {
      dtype: dtypeName(spec.dtype),
      dims: spec.dims,
      shape: spec.shape,
      chunks: spec.chunks,
      codecs: spec.codecs,
      attributes: attrsToJson(spec.attrs),
    },
  ]);
  return {
    id,
    source,
    format: dataset.format,
    dimensions: Object.fromEntries([...dataset.dimensions].map(([name, { size }]) => [name, size])),
    attributes: attrsToJson(dataset.attrs),
    groups: [...dataset.groups.keys()],
    variables: Object.fromEntries(variables),
    ...(dataset.problems === undefined ? {} : { problems: dataset.problems }),
    ...(dataset.cube === undefined ? {} : { cube: dataset.cube }),
  };
}

/** How the members of a cube fit together, where there is anything to say. */
function* reportLines(report: CubeReport | undefined): Generator<string> {
  if (report === undefined) return;
  yield `// cube of ${report.members} members along ${report.dimensions.map((d) => `${d.name} (${d.size})`).join(", ") || "no dimension"}`;
  for (const { name, mode, differences } of report.variables) {
    if (differences.length === 0) continue;
    yield `// ${name} is served ${mode}: members differ`;
    for (const { property, found } of differences) {
      const values = found.map(({ value, members }) => `${value} (${members} members)`);
      yield `//   ${property}: ${values.join(", ")}`;
    }
  }
  for (const { dimension, after, before } of report.gaps)
    yield `// a gap along ${dimension} between ${after} and ${before}`;
  for (const { dimension, source, entries } of report.overlaps) {
    yield `// ${entries} entries along ${dimension} of ${source} are in an earlier member, too`;
  }
  for (const { source, reason } of report.left) yield `// left out: ${source}: ${reason}`;
}
