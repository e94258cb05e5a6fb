import { SharedWork } from "../../files/shared-work.ts";
import type { FetchCall } from "./download.ts";

/** Work that callers of this process have in common: each hears how far it is, and it stops when all gave up. */
export class SharedFetches<T> {
  readonly #running = new Map<string, { readonly work: SharedWork<T>; readonly callers: Set<FetchCall> }>();

  async join(key: string, call: FetchCall, work: (call: FetchCall) => Promise<T>): Promise<T> {
    const running = this.#running.get(key);
    const entry = running === undefined || running.work.abandoned ? this.#start(key, work) : running;
    entry.callers.add(call);
    try {
      return await entry.work.join(call.signal);
    } finally {
      entry.callers.delete(call);
    }
  }

  #start(key: string, work: (call: FetchCall) => Promise<T>) {
    const callers = new Set<FetchCall>();
    const progress: FetchCall["progress"] = (state) => {
      for (const caller of callers) caller.progress?.(state);
    };
    const entry = { callers, work: new SharedWork<T>((signal) => work({ signal, progress })) };
    const forget = (): void => {
      if (this.#running.get(key) === entry) this.#running.delete(key);
    };
    this.#running.set(key, entry);
    entry.work.result.then(forget, forget);
    return entry;
  }
}
