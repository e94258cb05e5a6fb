import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { GyreError } from "../errors.ts";

export interface ListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Answers the requests it knows without the app, and says so by true: the short way for stored bytes. */
  readonly first?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Connections on which no byte moves for so long are cut: clients that stopped reading. Default: five minutes. */
  readonly idleMs?: number;
}

export interface Listening {
  readonly url: URL;
  /** Takes no new connections, lets running answers end for `graceMs`, then cuts them. */
  close(graceMs?: number): Promise<void>;
}

/** Serves `app` over HTTP/1.1. Throws Conflict when the address is taken. */
export async function listen(
  app: (request: Request) => Promise<Response>,
  { host, port, first, idleMs = 300_000 }: ListenOptions,
): Promise<Listening> {
  const answer = getRequestListener(app, { overrideGlobalObjects: false });
  const server = createServer({ keepAliveTimeout: 65_000, requestTimeout: 60_000 }, (request, response) => {
    if (first?.(request, response)) return;
    void answer(request, response);
  });
  server.timeout = idleMs;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE";
      reject(
        taken ? new GyreError("Conflict", `port ${port} of ${host} is in use: choose another with --port`) : error,
      );
    });
    server.listen(port, host, resolve);
  });
  const { port: bound, family, address } = server.address() as AddressInfo;
  const name = family === "IPv6" ? `[${address}]` : address;

  return {
    url: new URL(`http://${name}:${bound}/`),
    close: (graceMs = 2000) =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}
