import type { TypedArray } from "../../core/dtype.ts";
import type { Raster } from "../../write/cog.ts";

/** Reads the next rows while the last ones are encoded: for writers, which ask for them in order. */
export function withReadAhead(raster: Raster): Raster {
  let next: { readonly first: number; readonly planes: Promise<readonly TypedArray[]> } | undefined;
  return {
    ...raster,
    async rows(first, count, call) {
      const planes = await (next?.first === first ? next.planes : raster.rows(first, count, call));
      const after = first + count;
      next = undefined;
      if (after < raster.height) {
        const ahead = raster.rows(after, Math.min(count, raster.height - after), call);
        // Awaited when it is asked for, if ever; until then a failure must not count as unhandled.
        ahead.catch(() => undefined);
        next = { first: after, planes: ahead };
      }
      return planes;
    },
  };
}
