import assert from "node:assert/strict";
import type { Readable, Writable } from "node:stream";

/** The events of the Chrome DevTools protocol that are listened to, with what is read of them. */
export interface Events {
  readonly "Network.requestWillBeSent": {
    readonly requestId: string;
    readonly request: { readonly url: string };
  };
  readonly "Network.responseReceived": {
    readonly response: { readonly url: string; readonly status: number };
  };
  readonly "Network.loadingFailed": {
    readonly requestId: string;
    readonly errorText: string;
    readonly canceled?: boolean;
  };
  readonly "Runtime.exceptionThrown": { readonly exceptionDetails: ExceptionDetails };
  readonly "Runtime.consoleAPICalled": {
    readonly type: string;
    readonly args: readonly { readonly value?: unknown; readonly description?: string }[];
  };
  readonly "Log.entryAdded": {
    readonly entry: { readonly level: string; readonly url?: string; readonly text: string };
  };
}

export interface ExceptionDetails {
  readonly text: string;
  readonly url?: string;
  readonly exception?: { readonly description?: string };
}

type Listeners = { readonly [K in keyof Events]: (event: Events[K]) => void };

interface Message {
  readonly id?: number;
  readonly method?: keyof Events;
  readonly params?: never;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** A browser's end of `--remote-debugging-pipe`: JSON, each message closed by a zero. */
export class DevTools {
  readonly #input: Writable;
  readonly #calls = new Map<number, { resolve(value: unknown): void; reject(reason: Error): void }>();
  readonly #listeners: Listeners;
  #last = 0;

  constructor(input: Writable, output: Readable, listeners: Listeners) {
    this.#input = input;
    this.#listeners = listeners;
    let text = "";
    output.setEncoding("utf8");
    output.on("data", (part: string) => {
      const messages = (text + part).split("\0");
      text = messages.pop() ?? "";
      for (const message of messages) this.#read(JSON.parse(message) as Message);
    });
    output.once("end", () => {
      for (const { reject } of this.#calls.values()) reject(new Error("the browser ended"));
    });
  }

  call<T>(method: string, params: object = {}, sessionId?: string): Promise<T> {
    const id = ++this.#last;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#calls.set(id, { resolve, reject });
    this.#input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return promise as Promise<T>;
  }

  #read({ id, method, params, result, error }: Message): void {
    if (id === undefined) {
      if (method !== undefined && method in this.#listeners) this.#listeners[method](params as never);
      return;
    }
    const call = this.#calls.get(id);
    assert.ok(call !== undefined);
    this.#calls.delete(id);
    if (error === undefined) call.resolve(result);
    else call.reject(new Error(error.message));
  }
}
