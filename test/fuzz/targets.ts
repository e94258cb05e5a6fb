import { readFileSync } from "node:fs";
import { loadConfig } from "../../src/config.ts";
import type { CodecSpec, Dataset, Json, Variable } from "../../src/core/array.ts";
import { parseCalendar } from "../../src/core/calendar.ts";
import type { DType } from "../../src/core/dtype.ts";
import {
  decodeTime,
  encodeTime,
  formatInstant,
  parseTime,
  parseTimeUnits,
  timeConversion,
} from "../../src/core/time.ts";
import { unitConversion } from "../../src/core/units.ts";
import { canonicalView } from "../../src/core/view.ts";
import { createMemoryFiles } from "../../src/files/memory.ts";
import { parseListing } from "../../src/files/s3-xml.ts";
import { openZip } from "../../src/files/zip.ts";
import { expandSource } from "../../src/formats/catalogs/expand.ts";
import type { Format } from "../../src/formats/format.ts";
import { geotiff } from "../../src/formats/geotiff/geotiff.ts";
import { hdf5 } from "../../src/formats/hdf5/hdf5.ts";
import { kerchunk } from "../../src/formats/kerchunk/kerchunk.ts";
import { netcdf3 } from "../../src/formats/netcdf3/netcdf3.ts";
import { isObject, parseJson } from "../../src/formats/zarr/json.ts";
import { zarr } from "../../src/formats/zarr/zarr.ts";
import { parseView } from "../../src/protocols/view.ts";
import { parseChunkV2, parseChunkV3 } from "../../src/protocols/zarr-key.ts";
import { openNames } from "../../src/read/registry/names.ts";
import { drsOf } from "../../src/read/scan/drs.ts";
import { autoindexTarget } from "./autoindex-target.ts";
import { beside, folder, single, texts } from "./bases.ts";
import { boundaryTargets } from "./boundary-targets.ts";
import { addressOf, decoder, filesOf, mainOf, openAndRead } from "./exercise.ts";
import { indexTarget } from "./index-target.ts";
import { logTargets } from "./log-targets.ts";
import { packageTargets } from "./package-targets.ts";
import { served } from "./served.ts";
import type { Base, Target } from "./target.ts";
import { traps } from "./traps.ts";
import { vectorTargets } from "./vector-targets.ts";

function formatTarget(format: Format, kind: Target["kind"], bases: () => Base[]): Target {
  return { name: format.name, kind, namesSource: true, bases: once(bases), run: (input) => openAndRead(format, input) };
}

function textTarget(
  name: string,
  bases: () => readonly Base[],
  run: (text: string) => unknown,
  words: readonly string[] = [],
  namesSource = false,
): Target {
  return {
    name,
    kind: "text",
    words,
    namesSource,
    bases: once(bases),
    run: async (input) => void (await run(Buffer.from([...input.values()][0] ?? []).toString("utf8"))),
  };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

const NETCDF3 = ["netcdf3/*.nc"];
const HDF5 = ["hdf5/*.{h5,nc,hdf5}", "netcdf4/**/*.nc"];
const GEOTIFF = ["geotiff/*.tif"];
const ZIPS = ["zarr/*.zip"];

const hdf5Bases = (): Base[] =>
  single(HDF5).flatMap((base) => {
    const needs = /hdf5\/(virtual|external|raw)/.test(base.name);
    return needs ? beside([base], single(["hdf5/source*.h5", "hdf5/raw*.bin", "hdf5/target.h5"])) : [base];
  });
const zarrBases = (): Base[] => [
  ...folder("protocols/v2.zarr", ".zmetadata"),
  ...folder("protocols/v3.zarr", "zarr.json"),
  ...single(ZIPS),
  ...[
    "1d.contiguous.compressed.sharded.f4",
    "2d.chunked.ragged.compressed.sharded.i2",
    "1d.chunked.string.vlen",
  ].flatMap((name) => folder(`zarr/zarrita-v3.zarr/${name}`, "zarr.json")),
];
const kerchunkBases = (): Base[] => [
  ...beside(single(["kerchunk/{records,records-v0,templates}.json"]), single(["netcdf3/records.nc"])),
  ...folder("kerchunk/records.parq", ".zmetadata"),
];

const formats: readonly Target[] = [
  formatTarget(netcdf3, "binary", () => single(NETCDF3)),
  formatTarget(hdf5, "binary", hdf5Bases),
  formatTarget(geotiff, "binary", () => single(GEOTIFF)),
  formatTarget(zarr, "binary", zarrBases),
  formatTarget(kerchunk, "binary", kerchunkBases),
];

const zip: Target = {
  name: "zip",
  kind: "binary",
  namesSource: true,
  bases: once(() => single(ZIPS)),
  async run(input) {
    const archive = await openZip(filesOf(input), mainOf(input));
    for await (const { url } of archive.list(archive.root, { recursive: true })) await archive.read(url);
  },
};

interface CodecCase {
  readonly name: string;
  readonly codecs: readonly CodecSpec[];
  readonly stored: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

const codecCases = once((): readonly CodecCase[] => {
  const text = readFileSync(new URL("../fixtures/codecs/cases.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { cases: readonly CodecCase[] }).cases;
});

/** Bytes and configurations are hostile; type, shape and the order of the codecs are what formats have checked. */
const codecChains: Target = {
  name: "codecs",
  kind: "binary",
  namesSource: false,
  bases: once(() =>
    codecCases().map(({ name, codecs: chain, stored }, i) => {
      const configurations = Buffer.from(JSON.stringify(chain.map(({ configuration = {} }) => configuration)));
      const files = [[`${i}`, new Uint8Array(Buffer.from(stored, "base64"))] as const];
      return { name, input: new Map([...files, ["configurations.json", new Uint8Array(configurations)]]) };
    }),
  ),
  async run(input) {
    const entry = [...input].find(([name]) => codecCases()[Number(name)] !== undefined);
    if (entry === undefined) return;
    const { codecs: chain, dtype, shape } = codecCases()[Number(entry[0])]!;
    const given = parseJson("configurations", input.get("configurations.json") ?? Buffer.from("[]"));
    const hostile = chain.map(({ name }, i): CodecSpec => {
      const configuration = Array.isArray(given) ? (given as readonly Json[])[i] : undefined;
      return isObject(configuration) ? { name, configuration } : { name };
    });
    await decoder.decode(hostile, { dtype, shape }, entry[1]);
  },
};

const registryFile: Target = {
  name: "registry",
  kind: "text",
  namesSource: true,
  words: ['"id"', '"aliases":[]', "[]", "{}", "null", "\n", '"parts":', '"cube":', '"v":1'],
  bases: once(() =>
    texts(
      [
        { v: 1, id: "a", aliases: ["b"], kind: "file", key: "memory:///a.nc", source: "memory:///a.nc" },
        {
          v: 1,
          id: "c",
          aliases: [],
          kind: "cube",
          key: "k",
          source: "s",
          cube: { rules: { concat: "time" }, parts: ["memory:///a.nc"] },
        },
      ]
        .map((line) => JSON.stringify(line))
        .join("\n"),
    ),
  ),
  async run(input) {
    const url = new URL("memory:///registry.jsonl");
    const names = await openNames({ files: createMemoryFiles([[url.href, [...input.values()][0]!]]), url }, [".nc"]);
    names.ids();
    names.add({ path: "x/y.nc", kind: "file", key: "memory:///y.nc", source: "memory:///y.nc" });
    await names.save();
  },
};

const catalogs: Target = {
  name: "catalogs",
  kind: "text",
  namesSource: true,
  words: [
    "sources:",
    "&a ",
    "*a",
    "<<: ",
    "{{ x }}",
    "{{",
    "- ",
    "!!js/function ",
    "? ",
    "|",
    ">",
    "\t",
    "\n  ",
    '"',
    ",",
  ],
  bases: once(() => [
    ...folder("catalogs", "main.yaml"),
    ...single(["stac/*.json", "stac/stac-spec/*.json"]),
    ...folder("catalogs/intake-esm", "cmip6-netcdf.json"),
  ]),
  async run(input) {
    const options = { maxEntries: 2000, report: () => undefined };
    const entries = expandSource(addressOf([...input.keys()][0]!), filesOf(input), options);
    for await (const { id, part } of entries) void [id, part];
  },
};

const CONFIG = `sources: [data, "s3://bucket/x/"]
allow: ["file:///data/"]
listen: {port: 9010}
cubes: [{id: a, sources: ["*.nc"]}]
limits: {selection: 10MiB}
s3: {bucket: {endpoint: "http://localhost:9000", region: x}}
`;

const S3 = `<?xml version="1.0"?><ListBucketResult><Name>b</Name><Prefix>p/</Prefix><EncodingType>url</EncodingType>
<IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;</NextContinuationToken><Contents><Key>p/a%20b.nc</Key>
<Size>12</Size><ETag>&quot;x&quot;</ETag><LastModified>2020-01-01T00:00:00.000Z</LastModified></Contents>
<CommonPrefixes><Prefix>p/d/</Prefix></CommonPrefixes></ListBucketResult>`;

const CLOCK = [
  "days",
  "since",
  "months",
  "1e400",
  "-0001-01-01",
  "2000-02-30",
  "24:61:61",
  "+99:99",
  "T",
  "Z",
  "-",
  ":",
  ".",
];

function times(text: string): void {
  const [units = "", calendar = "standard", other = "", at = ""] = text.split("|");
  const from = parseTimeUnits(units, calendar);
  for (const value of [0, 1e9, -1e9, 1e300, -1e300, Number.NaN, 2n ** 63n]) {
    const instant = decodeTime(value, from);
    if (instant !== undefined) encodeTime(instant, from);
    if (instant !== undefined) formatInstant(instant, parseCalendar(calendar) ?? "standard");
  }
  unitConversion(units, other);
  parseTime(at, parseCalendar(calendar) ?? "standard");
  timeConversion(from, parseTimeUnits(other, calendar))?.(1);
}

const TAS: Variable = {
  name: "a/tas",
  spec: {
    dtype: "int8",
    dims: ["y", "x"],
    shape: [4, 4],
    chunks: [2, 2],
    codecs: [{ name: "bytes" }],
    fill: 0,
    attrs: new Map(),
  },
  locate: async () => undefined,
};
const DATASET: Dataset = {
  format: "memory",
  version: "0",
  attrs: new Map(),
  dimensions: new Map(),
  groups: new Map([["a", { attrs: new Map(), dimensions: new Map() }]]),
  variables: new Map([[TAS.name, TAS]]),
};

const client: readonly Target[] = [
  textTarget(
    "config",
    () => texts(CONFIG),
    (text) => loadConfig(text),
    ["&a", "*a", "$", "{X}", "{X:-1}", "<<:", "sources:", "limits:"],
  ),
  textTarget(
    "view",
    () =>
      texts(
        "bbox=-10~35~30~60,time=2000-01-01~2001,vars=a~b",
        "chunks=time:1~lat:90,keepbits=10,rel.tas=0.1,codec=zstd",
      ),
    (text) => canonicalView(parseView(text)),
    ["~", ",", "=", ":", ".", "bbox", "keepbits.", "chunks", "-0", "1e999", "NaN", "Infinity"],
  ),
  textTarget(
    "zarr-key",
    () => texts("a/tas/0.0", "a/tas/c/1/1", "a/tas/zarr.json"),
    (text) => {
      for (const parse of [parseChunkV2, parseChunkV3]) {
        const found = parse(DATASET, text);
        if (found?.chunk.every(Number.isSafeInteger) === false) throw new Error(`${text} is chunk ${found.chunk}`);
      }
    },
    ["/", ".", "0", "c/", "00", "-1", "a/tas"],
  ),
  textTarget(
    "time",
    () =>
      texts(
        "days since 1850-01-01 00:00:0.0 +01:00|noleap|hours since 2000-01-01|2000-01/2001",
        "months since 1-1-1|360_day|K|2000",
      ),
    times,
    CLOCK,
  ),
  textTarget(
    "drs",
    () =>
      texts(
        "/CMIP6/CMIP/MIROC/MIROC6/amip/r7i1p1f1/Amon/prsn/gn/v20190119/prsn_Amon_MIROC6_amip_r7i1p1f1_gn_197901-201412.nc",
      ),
    (text) => {
      if (URL.canParse(text, "file:///")) drsOf(new URL(text, "file:///"));
    },
    ["%", "%2f", "%zz", "_", "/", "CMIP6"],
  ),
  textTarget(
    "s3-xml",
    () => texts(S3),
    (text) => parseListing(new URL("s3://b/p/"), "p/", text),
    ["<", ">", "&#x110000;", "&#0;", "<!DOCTYPE", "<![CDATA[", "</", "%", "+"],
    true,
  ),
];

/** Everything that is read from files and clients. */
export const targets: readonly Target[] = [
  ...formats,
  zip,
  codecChains,
  indexTarget,
  registryFile,
  catalogs,
  autoindexTarget,
  ...client,
  ...logTargets,
  ...boundaryTargets,
  ...packageTargets,
  ...vectorTargets,
  served(() => [...single(NETCDF3), ...single(GEOTIFF), ...hdf5Bases(), ...zarrBases()]),
];

export function targetOf(name: string): Target {
  const target = [...targets, ...traps].find((t) => t.name === name);
  if (target === undefined) throw new Error(`no target ${name}; there are ${targets.map((t) => t.name).join(", ")}`);
  return target;
}
