import { type Listening, type ListenOptions, listen } from "./listen.ts";

/** A further port of a node: one that leads to its pages, or one with an API of its own. */
export interface AlsoOptions {
  readonly serves: "redirect" | "ingest";
  readonly port: number;
}

/** A listening further port. */
export interface Also {
  readonly serves: AlsoOptions["serves"];
  readonly url: URL;
}

/** Opens the further ports of a node whose pages are at `main`; closing the answer closes all of them. */
export async function listenAlso(
  ports: readonly AlsoOptions[],
  { host }: Pick<ListenOptions, "host">,
  main: URL,
  ingest: (request: Request) => Promise<Response>,
): Promise<{ readonly opened: readonly Also[]; close(graceMs?: number): Promise<void> }> {
  const servers: Listening[] = [];
  const opened: Also[] = [];
  const close = async (graceMs?: number): Promise<void> => {
    await Promise.all(servers.map((server) => server.close(graceMs)));
  };
  try {
    for (const { serves, port } of ports) {
      const server = await listen(serves === "ingest" ? ingest : toMain(main), { host, port });
      servers.push(server);
      opened.push({ serves, url: server.url });
    }
  } catch (error) {
    await close(0);
    throw error;
  }
  return { opened, close };
}

function toMain(main: URL): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname, search } = new URL(request.url);
    const target = new URL(main);
    // Below the node's own prefix, never to another host, whatever the path looks like.
    target.pathname = `${main.pathname.replace(/\/$/, "")}${pathname}`;
    target.search = search;
    return new Response(null, { status: 307, headers: { Location: target.href } });
  };
}
