import type { PackageFile } from "../datapackage.ts";

/** A way to open a file, to be pasted. */
export interface Opening {
  readonly title: string;
  readonly code: string;
}

interface Kind {
  readonly name: string;
  readonly endings: readonly string[];
  /** From the file's address; its ending says what it is. */
  openings(url: string, file: string): readonly Opening[];
}

const vector = (python: (url: string) => string) => (url: string) => [
  { title: "GDAL", code: `ogrinfo -so -al "/vsicurl/${url}"` },
  { title: "QGIS", code: `Layer > Add Layer > Add Vector Layer > Protocol: HTTP(S), URI: ${url}` },
  { title: "Python", code: python(url) },
];
const geopandas = (url: string): string => `import geopandas\nlayer = geopandas.read_file("${url}")`;

const KINDS: readonly Kind[] = [
  {
    name: "GeoTIFF",
    endings: [".tif", ".tiff"],
    openings: (url) => [
      { title: "GDAL", code: `gdalinfo "/vsicurl/${url}"` },
      { title: "QGIS", code: `Layer > Add Layer > Add Raster Layer > Protocol: HTTP(S), URI: ${url}` },
      { title: "Python", code: `import rioxarray\nraster = rioxarray.open_rasterio("${url}")` },
    ],
  },
  { name: "GeoPackage", endings: [".gpkg"], openings: vector(geopandas) },
  { name: "FlatGeobuf", endings: [".fgb"], openings: vector(geopandas) },
  { name: "GeoJSON", endings: [".geojson"], openings: vector(geopandas) },
  {
    name: "Parquet",
    endings: [".parquet"],
    openings: vector((url) => `import geopandas\nlayer = geopandas.read_parquet("${url}")`),
  },
  {
    name: "NetCDF",
    endings: [".nc", ".nc4"],
    openings: (url, file) => [
      { title: "GDAL", code: `gdalinfo "/vsicurl/${url}"` },
      { title: "QGIS", code: `Layer > Add Layer > Add Mesh Layer, or Add Raster Layer: ${file}` },
      { title: "Python", code: `import fsspec, xarray\ndataset = xarray.open_dataset(fsspec.open("${url}").open())` },
    ],
  },
  {
    name: "Zarr",
    endings: [".zarr.zip"],
    openings: (url, file) => [
      { title: "GDAL", code: `gdalinfo 'ZARR:"/vsizip/{/vsicurl/${url}}"'` },
      {
        title: "Python, once it is here",
        code: `import xarray, zarr\ndataset = xarray.open_zarr(zarr.storage.ZipStore("${file}", mode="r"))`,
      },
    ],
  },
  {
    name: "CSV",
    endings: [".csv"],
    openings: (url) => [{ title: "Python", code: `import pandas\ntable = pandas.read_csv("${url}")` }],
  },
];

/** How files of this kind are opened; undefined for kinds that nobody opens but with an editor. */
export function howToOpen(
  { path }: PackageFile,
  url: URL,
): { readonly kind: string; readonly openings: readonly Opening[] } | undefined {
  const kind = KINDS.find(({ endings }) => endings.some((ending) => path.toLowerCase().endsWith(ending)));
  if (kind === undefined) return undefined;
  const file = path.slice(path.lastIndexOf("/") + 1);
  return {
    kind: kind.name,
    openings: [{ title: "Download", code: `curl -LO "${url.href}"` }, ...kind.openings(url.href, file)],
  };
}
