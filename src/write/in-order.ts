/** Maps with up to `ahead` results under way at once, in the order of the input. */
export async function* inOrder<In, Out>(
  input: AsyncIterable<In>,
  ahead: number,
  map: (value: In) => Promise<Out>,
): AsyncGenerator<Out> {
  const running: Promise<Out>[] = [];
  for await (const value of input) {
    const result = map(value);
    // Awaited below; until then a failure must not count as unhandled.
    result.catch(() => undefined);
    running.push(result);
    if (running.length >= ahead) yield await (running.shift() as Promise<Out>);
  }
  while (running.length > 0) yield await (running.shift() as Promise<Out>);
}
