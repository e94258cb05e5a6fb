import { type Dataset, product, type Variable } from "../core/array.ts";
import { datasetUrl } from "./protocol.ts";

/** A piece of code that reads the dataset, ready to be copied. */
export interface AccessCode {
  readonly title: string;
  readonly note: string;
  readonly code: string;
}

/** Code for the usual clients; `sample` is a variable to show how one is read. */
export function accessCode(
  id: string,
  dataset: Dataset,
  sample: Variable | undefined,
  base: URL,
): readonly AccessCode[] {
  const raw = datasetUrl(base, id, "kerchunk");
  const computed = datasetUrl(base, id, "zarr");
  const group = sample?.name.includes("/") ? sample.name.slice(0, sample.name.lastIndexOf("/")) : undefined;
  const inGroup = group === undefined ? "" : `, group=${quoted(group)}`;
  const name = sample?.name.slice(sample.name.lastIndexOf("/") + 1);
  const python = (url: string): string =>
    [
      "import xarray as xr",
      "",
      `ds = xr.open_dataset(${quoted(url)}, engine="zarr", chunks={}${inGroup})`,
      ...(name === undefined ? [] : [`ds[${quoted(name)}]`]),
    ].join("\n");
  const codes: AccessCode[] = [
    {
      title: "xarray",
      note: "Decoded and encoded again where that is needed; works for every variable.",
      code: python(computed),
    },
    {
      title: "xarray, stored chunks",
      note: "The bytes of the archive as they lie on disk: the fastest way.",
      code: python(raw),
    },
    {
      title: "xarray, kerchunk references",
      note: "One file of references into this server; needs the kerchunk package.",
      code: `import xarray as xr\n\nds = xr.open_dataset(${quoted(datasetUrl(base, id, "kerchunk.json"))}, engine="kerchunk", chunks={}${inGroup})`,
    },
    {
      title: "A part of it",
      note: "Views cut, thin and round on the server: bbox, time, vars, chunks, keepbits, abs, rel, codec.",
      code: python(datasetUrl(base, id, `zarr@${viewExample(dataset, sample)}`)),
    },
  ];
  if (sample === undefined) return codes;
  const first = sample.spec.shape.length === 0 ? "0" : sample.spec.shape.map(() => "0").join(".");
  const zero = sample.spec.shape.map((_, i) => (i < sample.spec.shape.length - 2 ? "0" : "null"));
  return [
    ...codes,
    {
      title: "GDAL",
      note: "gdalinfo, gdal_translate and QGIS.",
      code: `gdalmdiminfo 'ZARR:"/vsicurl/${computed}"' -array ${shell(`/${sample.name}`)}`,
    },
    {
      title: "zarrita (JavaScript)",
      note: "In browsers and Node.",
      code: [
        'import * as zarr from "zarrita";',
        "",
        `const store = await zarr.withConsolidatedMetadata(new zarr.FetchStore(${quoted(computed)}));`,
        `const array = await zarr.open(zarr.root(store).resolve(${quoted(sample.name)}), { kind: "array" });`,
        `const { data, shape } = await zarr.get(array, [${zero.join(", ")}]);`,
      ].join("\n"),
    },
    ...(product(sample.spec.shape) === 0
      ? []
      : [
          {
            title: "curl",
            note: "One chunk as it is stored.",
            code: `curl -O ${shell(`${raw}/${encodePath(sample.name)}/${first}`)}`,
          },
        ]),
  ];
}

function viewExample(dataset: Dataset, sample: Variable | undefined): string {
  const hasBox = [...dataset.variables.values()].some((v) => v.spec.dims.length === 1 && /^lon/i.test(v.name));
  // Not a variable in a group: proxies decode its escaped slash, and the address becomes another.
  const isNameable = sample !== undefined && !sample.name.includes("/");
  const vars = isNameable ? `vars=${encodeURIComponent(sample.name)}` : "keepbits=10";
  return hasBox ? `bbox=-10~35~30~60,${vars}` : vars;
}

function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

/** A string literal of Python and JavaScript alike. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

function shell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
