import type { Estimate } from "../flow.ts";

/** What is known before a source is fetched: what lies inside of a boundary is not. */
export function estimateOf({ bytes, missingBytes = 0 }: { bytes?: number; missingBytes?: number }): Estimate {
  return {
    ...(bytes !== undefined && { readBytes: bytes }),
    ...(missingBytes > 0 && { notes: [`${megabytes(missingBytes)} of the source are fetched first`] }),
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toLocaleString("en", { maximumFractionDigits: 1 })} MB`;
}
