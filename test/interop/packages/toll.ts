import { request as ask, createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A proxy before a store: requests pass, or fail as a test wants. */
export interface Toll {
  readonly url: string;
  /** Every so many requests fail with 503; 0: none. */
  failEvery: number;
  readonly failed: number;
  /** Resolves when such a request comes: `PUT /packages/...`. That one waits for ever. */
  hold(request: RegExp): Promise<void>;
  close(): void;
}

/** Opens a toll before `target`. Headers pass as they are: signatures hold. */
export async function openToll(target: URL): Promise<Toll> {
  let count = 0;
  let failed = 0;
  let held: { readonly pattern: RegExp; came(): void } | undefined;
  const server = createServer((request, response) => {
    if (toll.failEvery > 0 && ++count % toll.failEvery === 0) {
      failed++;
      request.resume();
      response.writeHead(503, { "Retry-After": "0" }).end();
      return;
    }
    const { method, headers, url } = request;
    if (held?.pattern.test(`${method} ${url}`)) {
      request.resume();
      held.came();
      held = undefined;
      return;
    }
    const onward = ask(
      { host: target.hostname, port: target.port, path: url, method, headers, agent: false },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on("error", () => response.destroy());
    request.on("error", () => onward.destroy());
    request.pipe(onward);
  }).listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  const toll: Toll = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    failEvery: 0,
    get failed() {
      return failed;
    },
    hold: (pattern) => new Promise((came) => (held = { pattern, came })),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return toll;
}
