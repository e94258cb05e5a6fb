/** What a file is by its ending: its media type, and the format as the founding system names it. */
const KINDS: readonly (readonly [ending: string, mediaType: string, format: string])[] = [
  [".tif", "image/tiff; application=geotiff", "GeoTIFF"],
  [".tiff", "image/tiff; application=geotiff", "GeoTIFF"],
  [".gpkg", "application/geopackage+sqlite3", "GEOPKG"],
  [".fgb", "application/vnd.flatgeobuf", "FlatGeobuf"],
  [".geojson", "application/geo+json", "GeoJSON"],
  [".parquet", "application/vnd.apache.parquet", "Parquet"],
  [".nc", "application/x-netcdf", "NetCDF"],
  [".zarr.zip", "application/zip", "Zarr"],
  [".zip", "application/zip", "ZIP"],
  [".csv", "text/csv", "CSV"],
  [".json", "application/json", "JSON"],
  [".txt", "text/plain", "Text"],
];

/** For files that nobody has described. */
export function kindOf(name: string): { readonly mediaType: string; readonly format: string } {
  const [ending = "", mediaType = "application/octet-stream", format] =
    KINDS.find(([one]) => name.toLowerCase().endsWith(one)) ?? [];
  return { mediaType, format: format ?? (ending || "Binary") };
}
