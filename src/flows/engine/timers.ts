/** Something that is done again and again, never twice at once. */
export interface Timer {
  /** Resolves when it is not under way any more. */
  stop(): Promise<void>;
}

/** Does `work` now and then `ms` after each end of it. */
export function every(ms: number, onError: (error: unknown) => void, work: () => Promise<unknown>): Timer {
  const stopping = Promise.withResolvers<void>();
  let isStopped = false;
  const run = async (): Promise<void> => {
    while (!isStopped) {
      await work().catch(onError);
      if (isStopped) return;
      let timer: NodeJS.Timeout | undefined;
      const pause = new Promise((resolve) => {
        timer = setTimeout(resolve, ms);
        timer.unref();
      });
      await Promise.race([pause, stopping.promise]);
      clearTimeout(timer);
    }
  };
  const ended = run();
  return {
    stop() {
      isStopped = true;
      stopping.resolve();
      return ended;
    },
  };
}
