import type { BoundaryDraft } from "../../../src/flows/boundaries/admin.ts";
import { areaOf } from "../../../src/flows/boundaries/area.ts";
import { polygonsOf } from "../../../src/flows/boundaries/rings.ts";
import { readPolygonWkt } from "../../../src/flows/boundaries/wkt.ts";

/** A boundary out of Well-Known Text. */
export async function draft(name: string, wkt: string, nameLong = name): Promise<BoundaryDraft> {
  const area = await areaOf(polygonsOf(readPolygonWkt(wkt)), { longEdges: "refused" });
  return { ...area, name, nameLong, adminLevel: 0 };
}

export async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
