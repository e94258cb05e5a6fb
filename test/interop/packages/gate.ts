import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Work of another process that waits at the gate. */
export interface Held {
  readonly pid: number;
  release(): void;
}

/** Where the processor `held` waits in the middle of its work. */
export interface Gate {
  readonly url: string;
  /** The next that comes. */
  next(): Promise<Held>;
  close(): void;
}

export async function openGate(): Promise<Gate> {
  const waiting: Held[] = [];
  const wanted: ((held: Held) => void)[] = [];
  const server = createServer((request, response: ServerResponse) => {
    const pid = Number(new URL(request.url ?? "", "http://gate").searchParams.get("pid"));
    const held = { pid, release: () => void response.end("go") };
    const first = wanted.shift();
    if (first === undefined) waiting.push(held);
    else first(held);
  }).listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    next() {
      const first = waiting.shift();
      return first === undefined ? new Promise((came) => wanted.push(came)) : Promise.resolve(first);
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
