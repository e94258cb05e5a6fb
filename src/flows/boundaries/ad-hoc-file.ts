import type { IoCall } from "../../core/array.ts";
import { openVector } from "../../vector/open.ts";
import { type AdHoc, type AdHocOptions, adHocOf, LIMITS } from "./ad-hoc.ts";
import { isProjected, layerOf, layerPolygons } from "./layer-polygons.ts";
import { invalid, type Rings } from "./rings.ts";

/**
 * A boundary of all polygons in a vector file of any kind and CRS (the one of its layers, or that of `layer`). The same
 * area has the same digest as in GeoJSON or Well-Known Text.
 */
export async function adHocBoundaryOfFile(
  path: string,
  options: AdHocOptions & { readonly layer?: string } = {},
  call: IoCall = {},
): Promise<AdHoc> {
  await using file = await openVector(path, call);
  const layer = layerOf(file, options.layer);
  const limits = { ...LIMITS, ...options.limits };
  const polygons: Rings[] = [];
  let left = limits.vertices;
  for await (const found of layerPolygons(layer, call, limits)) {
    polygons.push(...found.polygons);
    left -= found.polygons.flat().reduce((sum, ring) => sum + ring.length, 0);
    if (left < 0) throw invalid("", `more than ${limits.vertices} vertices`);
  }
  return adHocOf(polygons, { longEdges: "short-way", isReprojected: isProjected(layer) }, options, call);
}
