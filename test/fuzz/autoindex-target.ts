import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createHttpFiles } from "../../src/files/http.ts";
import { isWithin } from "../../src/files/keys.ts";
import { texts } from "./bases.ts";
import type { Input, Target } from "./target.ts";

const NGINX = `<html><head><title>Index of /d/</title></head><body><h1>Index of /d/</h1><hr><pre><a href="../">../</a>
<a href="sub/">sub/</a>   01-Jan-2024 00:00   -
<a href="a%20b.nc">a b.nc</a>   01-Jan-2024 00:00   1234
<a href='c.nc'>c.nc</a>
</pre><hr></body></html>`;
const APACHE = `<table><tr><th><a href="?C=N;O=D">Name</a></th></tr><tr><td><a href="/">Parent</a></td></tr>
<tr><td><A class="x" HREF = "x&amp;y.nc">x</A></td></tr></table>`;
const WORDS = [
  "<a",
  "href=",
  '"',
  "'",
  ">",
  "../",
  "//other.example/",
  "javascript:",
  "%2e%2e/",
  "%2f",
  "&amp;",
  "\\",
  "?",
  "#",
];

let page = "";
let serving: Promise<Server> | undefined;

/** A server of this process that answers every address with the page of the case. */
function serve(): Promise<Server> {
  serving ??= new Promise((resolve) => {
    const server = createServer((_, response) => void response.setHeader("Content-Type", "text/html").end(page));
    server.listen(0, "127.0.0.1", () => resolve(server)).unref();
  });
  return serving;
}

export const autoindexTarget: Target = {
  name: "autoindex",
  kind: "text",
  words: WORDS,
  namesSource: true,
  bases: () => texts(NGINX, APACHE),
  async run(input: Input) {
    const { port } = (await serve()).address() as AddressInfo;
    page = Buffer.from([...input.values()][0] ?? []).toString("utf8");
    const folder = new URL(`http://127.0.0.1:${port}/d/`);
    const files = createHttpFiles({ allow: [folder] });
    try {
      for await (const { url } of files.list!(folder)) {
        if (!isWithin(url, folder)) throw new Error(`${url} is listed, and lies outside`);
      }
    } finally {
      await files.close?.();
    }
  },
};
