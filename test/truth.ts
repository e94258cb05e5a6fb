import { existsSync, globSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Block, Dataset, Variable } from "../src/core/array.ts";
import { createEngine, type Engine } from "../src/engine.ts";
import { isGyreError } from "../src/errors.ts";
import { EXCUSES, excuseFor } from "./truth/excuses.ts";
import { createFindings, type Findings } from "./truth/findings.ts";
import { compareGeotiff, type GeotiffRecord } from "./truth/geotiff.ts";
import { compareHdf5, type Hdf5Record } from "./truth/hdf5.ts";
import { recordedDigests, referenceDigests } from "./truth/kerchunk.ts";
import { compareNetcdf, type NetcdfRecord } from "./truth/netcdf.ts";
import { netcdfReader } from "./truth/reader.ts";
import { compareZarr, type ZarrRecord } from "./truth/zarr.ts";

// `npm run truth [substring]`: every record of ../shared/data/truth beside what Gyre reads from the same file.

type Compare = (
  record: unknown,
  dataset: Dataset,
  read: (variable: Variable) => Promise<Block>,
  found: Findings,
  /** What ncdump or h5dump print of the file's header. */
  listing: string,
) => Promise<void>;

/** By the folder that a record lies in. Folders without an entry belong to formats that Gyre does not read yet. */
const COMPARE: Readonly<Record<string, Compare>> = {
  netcdf3: (record, dataset, read, found, listing) =>
    compareNetcdf(record as NetcdfRecord, dataset, netcdfReader(read), found, listing),
  netcdf4: (record, dataset, read, found, listing) =>
    compareNetcdf(record as NetcdfRecord, dataset, netcdfReader(read), found, listing),
  hdf5: (record, dataset, read, found, listing) => compareHdf5(record as Hdf5Record, dataset, read, found, listing),
  zarr: (record, dataset, read, found) => compareZarr(record as ZarrRecord, dataset, read, found),
  geotiff: (record, dataset, read, found) => compareGeotiff(record as GeotiffRecord, dataset, read, found),
};
const MOST_EXCUSED = 0.03;

const data = resolve(process.env.GYRE_DATA ?? join(import.meta.dirname, "../../shared/data"));
if (!existsSync(join(data, "truth"))) {
  console.error("there are no records: set GYRE_DATA to the folder that has truth/ in it");
  process.exit(2);
}
const only = process.argv[2] ?? "";
const support = readFileSync(join(import.meta.dirname, "../docs/support.md"), "utf8");
const unlisted = EXCUSES.filter(({ reason }) => !support.includes(reason));
const engine = createEngine({ allow: [pathToFileURL(`${data}/`)] });
const counts = { records: 0, equal: 0, excused: 0, properties: 0 };
const later = new Map<string, number>();
let failed = 0;

for (const path of globSync("truth/**/*.json", { cwd: data }).sort()) {
  const family = path.split("/")[1] as string;
  const name = relative("truth", path).replace(/\.json$/, "");
  if (!name.includes(only)) continue;
  const compare = COMPARE[family];
  if (compare === undefined) {
    later.set(family, (later.get(family) ?? 0) + 1);
    continue;
  }
  counts.records++;
  const findings = await compareFile(engine, name, compare, parseRecord(readFileSync(join(data, path), "utf8")));
  counts.properties += findings.compared;
  const wrong = findings.differences.filter((difference) => excuseFor(name, difference.path) === undefined);
  if (findings.compared === 0 && wrong.length === 0)
    wrong.push({ path: "record", ours: "untouched", theirs: "compared" });
  if (wrong.length > 0) {
    failed++;
    for (const { path: where, ours, theirs } of wrong.slice(0, 8))
      console.log(`${name}: ${where}: ours ${ours}, theirs ${theirs}`);
    if (wrong.length > 8) console.log(`${name}: ... ${wrong.length - 8} more`);
  } else if (findings.differences.length > 0) counts.excused++;
  else counts.equal++;
}
if (only === "" || "zarr/kerchunk".includes(only)) await compareReferences();
await engine.close();

for (const [family, n] of later) console.log(`not of a format that Gyre reads yet: ${family}, ${n} records`);
for (const { reason } of unlisted) console.log(`an excuse without its line in docs/support.md: ${reason}`);
console.log(`properties compared ${counts.properties}`);
console.log(`records ${counts.records}, equal ${counts.equal}, excused ${counts.excused}`);
const tooMany = counts.excused > counts.records * MOST_EXCUSED;
if (tooMany) console.log(`more than ${MOST_EXCUSED * 100} % are excused`);
process.exitCode = failed > 0 || tooMany || unlisted.length > 0 || counts.records === 0 ? 1 : 0;

/** Reference sets have no record among the data: theirs is what kerchunk's own reader made of them. */
async function compareReferences(): Promise<void> {
  for (const path of globSync("zarr/kerchunk/*.json", { cwd: data }).sort()) {
    const name = path.split("/").at(-1) as string;
    counts.records++;
    counts.properties++;
    const ours = JSON.stringify(await referenceDigests(pathToFileURL(join(data, path))));
    const theirs = JSON.stringify(recordedDigests(name));
    if (ours === theirs) counts.equal++;
    else {
      failed++;
      console.log(`${path}: ours ${ours}, theirs ${theirs}`);
    }
  }
}

async function compareFile(engine: Engine, name: string, compare: Compare, record: unknown): Promise<Findings> {
  const findings = createFindings();
  const isStore =
    existsSync(join(data, name)) && !/\.\w+$/.test(name)
      ? "/"
      : name.endsWith(".zarr") || name.endsWith(".zr")
        ? "/"
        : "";
  const url = pathToFileURL(join(data, name) + isStore);
  try {
    const dataset = await engine.formats.open(url);
    for (const problem of dataset.problems ?? []) {
      // A link that leads nowhere is told, and is no fault of the reader: h5dump shows it as a link, too.
      if (!/ (?:a soft|an external) link to /.test(problem)) findings.fail("problems", problem, "none");
    }
    const listing = ["cdl", "h5dump.txt"].map((suffix) => join(data, "truth", `${name}.${suffix}`)).find(existsSync);
    const text = listing === undefined ? "" : readFileSync(listing, "utf8");
    await compare(record, dataset, (variable) => engine.readAll(dataset, variable), findings, text);
  } catch (error) {
    findings.fail("opens", isGyreError(error) ? error.message : String((error as Error).stack), "a readable file");
  }
  return findings;
}

/** 64-bit integers in the records are exact. */
function parseRecord(text: string): unknown {
  const exact = (_key: string, value: unknown, context: { readonly source?: string }): unknown =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context.source ?? "")
      ? BigInt(context.source as string)
      : value;
  return JSON.parse(text, exact as Parameters<typeof JSON.parse>[1]);
}
