import type { Files } from "./files.ts";
import { withCoalescing } from "./with-coalescing.ts";
import { withPageCache } from "./with-page-cache.ts";

/** Files behind a network as a node reads them: many small reads become few requests, and none is made twice. */
export function withRemoteCaches(files: Files): Files {
  return withPageCache(withCoalescing(files));
}
