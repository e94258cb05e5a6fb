/**
 * Shares looks at something that changes: every caller gets one that began after it called, and those who call while
 * one is under way share the next.
 */
export class Looks<Key, Value> {
  readonly #look: (key: Key) => Promise<Value>;
  readonly #running = new Map<Key, { readonly done: Promise<unknown>; next?: Promise<Value> }>();

  constructor(look: (key: Key) => Promise<Value>) {
    this.#look = look;
  }

  next(key: Key): Promise<Value> {
    const running = this.#running.get(key);
    if (running === undefined) return this.#begin(key);
    return (running.next ??= running.done.then(() => this.#begin(key)));
  }

  #begin(key: Key): Promise<Value> {
    const value = this.#look(key);
    const running: { readonly done: Promise<unknown>; next?: Promise<Value> } = {
      done: value.then(ignore, ignore).then(() => {
        if (running.next === undefined) this.#running.delete(key);
      }),
    };
    this.#running.set(key, running);
    return value;
  }
}

function ignore(): void {}
