import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../src/config.ts";
import { createNode } from "../../src/node.ts";
import { type Started, startNginx } from "../services/services.ts";

/** Sources of every kind of page and document: a group, a cube-less file, a store in an archive. */
const SOURCES = ["netcdf3/records.nc", "hdf5/groups_latest.h5", "hdf5/dims.nc", "zarr/v3.zarr.zip"];
const FOLDER = new URL("../fixtures/", import.meta.url);
const MOST_PAGES = 3000;

interface Behind {
  /** The address that the world uses, and every link must have. */
  readonly base: string;
  /** Where nginx answers for it. */
  readonly proxy: URL;
  /** Host and port of the node itself: nobody's business. */
  readonly inner: string;
  close(): Promise<void>;
}

/** A node below `/gyre/` of an nginx. */
async function behindNginx(publicUrl?: string): Promise<Behind | { readonly unavailable: string }> {
  const config = loadConfig("database: none\nrescanSeconds: 0\nlisten: { port: 0 }");
  const node = await createNode(
    {
      ...config,
      sources: SOURCES.map((path) => fileURLToPath(new URL(path, FOLDER))),
      ...(publicUrl === undefined ? { trustForwarded: true } : { publicUrl }),
    },
    { folder: fileURLToPath(FOLDER), isTransient: true },
  );
  await node.scan();
  const server = await node.listen();
  const close = async (): Promise<void> => {
    await server.close(0);
    await node.close();
  };
  const nginx: Started = await startNginx(`
    location /gyre/ {
      proxy_pass ${server.url.href};
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Prefix /gyre;
    }`);
  if (nginx.unavailable !== undefined) {
    await close();
    return nginx;
  }
  const proxy = new URL("gyre/", nginx.url);
  return {
    base: publicUrl ?? proxy.href,
    proxy,
    inner: server.url.host,
    async close() {
      await nginx.stop();
      await close();
    },
  };
}

/** Every address of the node that an answer names. */
function linksOf(text: string, type: string, headers: Headers): string[] {
  const links = [...(headers.get("link") ?? "").matchAll(/<([^>]+)>/g)].map((match) => match[1]!);
  if (type.startsWith("text/html")) {
    for (const [, href] of text.matchAll(/(?:href|action)="([^"]*)"/g)) links.push(unescaped(href!));
    for (const [, code] of text.matchAll(/<code>(.*?)<\/code>/gs)) links.push(...addressesIn(unescaped(code!)));
  }
  if (type.includes("json"))
    JSON.parse(text, (_, value) => void (typeof value === "string" && links.push(...addressesIn(value))));
  return links.filter((link) => !link.startsWith("#"));
}

function unescaped(text: string): string {
  return text
    .replaceAll("&#39;", "'")
    .replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

function addressesIn(text: string): string[] {
  return [...text.matchAll(/https?:\/\/[^\s"'<>\\]+/g)].map(([address]) => address);
}

/** What shows that the thing at an address is there: stores are asked for a key, patterns for nothing. */
function probe(link: string): string | undefined {
  if (/\{|%7B/.test(link)) return undefined;
  const path = link.split("#")[0]!.replace(/\/$/, "");
  if (/\/(?:kerchunk|zarr(?:@[^/]*)?)$/.test(path)) return `${path}/.zgroup`;
  if (/\/kerchunk\.parquet$/.test(path)) return `${path}/.zmetadata`;
  return link.split("#")[0];
}

for (const [how, publicUrl] of [
  ["forwarding headers", undefined],
  ["publicUrl", "https://data.example/gyre/"],
] as const) {
  test(`below a path of an nginx every link leads through it, by ${how}`, async (t) => {
    const behind = await behindNginx(publicUrl);
    if ("unavailable" in behind) return t.skip(behind.unavailable);
    t.after(behind.close);
    const { base, proxy, inner } = behind;
    const pending = [base, `${base}redoc`, `${base}datasets`, `${base}datasets/.zmetadata`, `${base}plugins`];
    const seen = new Set(pending);
    const failed: string[] = [];
    for (let url = pending.shift(); url !== undefined; url = pending.shift()) {
      assert.ok(seen.size < MOST_PAGES, "the links have no end");
      for (const accept of ["application/json", "text/html"]) {
        const response = await fetch(url.replace(base, proxy.href), { headers: { accept }, redirect: "manual" });
        const text = await response.text();
        const type = response.headers.get("content-type") ?? "";
        if (response.status >= 400) failed.push(`${response.status} ${url}`);
        const everything = text + [...response.headers.values()].join("\n");
        if (everything.includes(inner)) failed.push(`${url} names ${inner}`);
        const location = response.headers.get("location");
        const links = [...linksOf(text, type, response.headers), ...(location === null ? [] : [location])];
        const ids = url === `${base}datasets` ? (JSON.parse(text) as string[]) : [];
        for (const link of [...links, ...ids.map((id) => `${base}datasets/${id}`)]) {
          const target = probe(new URL(link, url).href);
          if (target === undefined || seen.has(target)) continue;
          if (!target.startsWith(base)) {
            // Attributes of files may name other places of the world.
            if (link.includes("/datasets/") || !URL.canParse(link)) failed.push(`${url} leads to ${link}`);
            continue;
          }
          seen.add(target);
          pending.push(target);
        }
      }
    }
    assert.deepEqual(failed, []);
    assert.ok(seen.size > 60, `only ${seen.size} addresses were found`);
  });
}
