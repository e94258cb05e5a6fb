import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** STAC Browser as `scripts/services.ts` builds it. */
export const STAC_BROWSER = fileURLToPath(new URL("../../../.peers/stac-browser/dist/", import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
};

export interface Site {
  readonly url: URL;
  stop(): void;
}

/** STAC Browser over one catalogue, on an origin of its own. */
export async function serveStacBrowser(catalogUrl: string): Promise<Site> {
  const settings = `<script>window.STAC_BROWSER_CONFIG = ${JSON.stringify({ catalogUrl })}</script>`;
  // With an icon, so that it is not asked for one.
  const head = `<head>${settings}<link rel="icon" href="data:,">`;
  const server = createServer(async ({ url = "/" }, response) => {
    const { pathname } = new URL(url, "http://localhost");
    const path = pathname === "/" ? "/index.html" : pathname;
    const file = await readFile(join(STAC_BROWSER, path)).catch(() => undefined);
    response.writeHead(file === undefined ? 404 : 200, { "Content-Type": TYPES[extname(path)] ?? "text/plain" });
    response.end(path === "/index.html" ? String(file).replace("<head>", head) : file);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}/`),
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
