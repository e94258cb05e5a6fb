interface Look<Value> {
  readonly value: Promise<Value>;
  hasBegun: boolean;
  next?: Promise<Value>;
}

/**
 * Shares looks at something that changes: every caller gets one that began after it called. It begins when all that
 * has come in by then is dealt with, so that those who call for one reason share it; those who call while one is under
 * way share the next.
 */
export class Looks<Key, Value> {
  readonly #look: (key: Key) => Promise<Value>;
  readonly #looks = new Map<Key, Look<Value>>();

  constructor(look: (key: Key) => Promise<Value>) {
    this.#look = look;
  }

  next(key: Key): Promise<Value> {
    const known = this.#looks.get(key);
    if (known === undefined) return this.#plan(key);
    if (!known.hasBegun) return known.value;
    return (known.next ??= known.value.then(ignore, ignore).then(() => this.#plan(key)));
  }

  #plan(key: Key): Promise<Value> {
    const { promise: value, resolve } = Promise.withResolvers<Value>();
    const look: Look<Value> = { value, hasBegun: false };
    this.#looks.set(key, look);
    setImmediate(() => {
      look.hasBegun = true;
      resolve(this.#look(key));
    });
    const done = (): void => {
      if (look.next === undefined) this.#looks.delete(key);
    };
    value.then(done, done);
    return value;
  }
}

function ignore(): void {}
