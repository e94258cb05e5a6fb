import type { Catalog, Writes } from "../catalog/catalog.ts";

/** A catalogue that is still starting: each call waits until it is there, and fails as the start did. */
export function lazyCatalog(start: () => Promise<Catalog>): Catalog {
  return {
    collection: async (...args) => (await start()).collection(...args),
    collections: async (...args) => (await start()).collections(...args),
    item: async (...args) => (await start()).item(...args),
    search: async (...args) => (await start()).search(...args),
    idsBelow: async (...args) => (await start()).idsBelow(...args),
    async *stream(...args) {
      yield* (await start()).stream(...args);
    },
    aggregate: async (...args) => (await start()).aggregate(...args),
    queryables: async (...args) => (await start()).queryables(...args),
  };
}

export function lazyWrites(start: () => Promise<Writes>): Writes {
  return {
    accept: async (...args) => (await start()).accept(...args),
    status: async (...args) => (await start()).status(...args),
    settled: async (...args) => (await start()).settled(...args),
  };
}
