import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Notice } from "../../../src/catalog/subscriptions/subscription.ts";
import { Wake } from "../../../src/log/wake.ts";
import type { Ending } from "../../services/postgres.ts";

/** One request that came. */
export interface Received {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly notice: Notice;
}

/** A server that takes notices. */
export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** Waits until what came fulfils a condition. */
  until(isThere: (received: readonly Received[]) => boolean): Promise<void>;
}

/** `answer` says what becomes of a request; 204 without it. */
export async function receiver(
  t: Ending,
  answer: (response: ServerResponse, received: readonly Received[]) => void = (response) => {
    response.writeHead(204).end();
  },
): Promise<Receiver> {
  const received: Received[] = [];
  const wake = new Wake();
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    received.push({ headers: request.headers, body, notice: JSON.parse(body) as Notice });
    answer(response, received);
    wake.ring();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    async until(isThere) {
      for (;;) {
        const { version } = wake;
        if (isThere(received)) return;
        await wake.after(version);
      }
    },
  };
}
