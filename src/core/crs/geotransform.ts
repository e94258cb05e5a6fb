/** `x = t[0] + column * t[1] + row * t[2]`, `y = t[3] + column * t[4] + row * t[5]`, for corners of pixels, as in GDAL. */
export type GeoTransform = readonly [number, number, number, number, number, number];

/** Six numbers with blanks between: the attribute `GeoTransform` of grid mappings written by GDAL and rioxarray. */
export function formatGeoTransform(transform: GeoTransform): string {
  return transform.join(" ");
}

/** Rows and columns run along the axes. */
export function isAligned([, , perRowX, , perColumnY]: GeoTransform): boolean {
  return perRowX === 0 && perColumnY === 0;
}
