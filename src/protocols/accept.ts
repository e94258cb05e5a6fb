/** The client's favourite of these media types by its `Accept` (RFC 9110, 12.5.1); the first one when it does not say. */
export function favourite<T extends string>(request: Request, types: readonly [T, ...T[]]): T {
  const header = request.headers.get("accept");
  if (header === null) return types[0];
  const ranges = header.split(",").map((part) => {
    const [range = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    const q = parameters.find((text) => text.startsWith("q="));
    return { range, weight: q === undefined ? 1 : Number(q.slice(2)) || 0 };
  });
  const weightOf = (type: string): number => {
    // The most specific range that fits decides, not the heaviest.
    for (const fitting of [type, `${type.split("/")[0]}/*`, "*/*"]) {
      const found = ranges.find(({ range }) => range === fitting);
      if (found !== undefined) return found.weight;
    }
    return 0;
  };
  return types.reduce((best, type) => (weightOf(type) > weightOf(best) ? type : best));
}
