/** Comments that keep a quiet stream open through proxies. */
const HEARTBEAT_MS = 15_000;

/** The text of batches as it comes, with a sign of life (`beat`) between them; `ended` is told once. */
export function beating<T>(
  batches: AsyncIterable<T>,
  text: (batch: T) => string,
  beat: string,
  ended: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const reader = batches[Symbol.asyncIterator]();
  let timer: NodeJS.Timeout | undefined;
  let isEnded = false;
  const end = (): void => {
    if (isEnded) return;
    isEnded = true;
    clearInterval(timer);
    ended();
  };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      timer = setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(beat));
      }, HEARTBEAT_MS);
      timer.unref();
    },
    async pull(controller) {
      try {
        const { value, done } = await reader.next();
        if (done) {
          end();
          controller.close();
        } else controller.enqueue(encoder.encode(text(value)));
      } catch (error) {
        end();
        controller.error(error);
      }
    },
    async cancel() {
      end();
      await reader.return?.();
    },
  });
}
