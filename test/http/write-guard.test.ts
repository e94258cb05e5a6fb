import assert from "node:assert/strict";
import { test } from "node:test";
import { checkWriter } from "../../src/http/write-guard.ts";

const AT = "http://127.0.0.1:9010/stac/collections/c/items";
const write = (url: string, origin?: string): Request =>
  new Request(url, { method: "POST", ...(origin === undefined ? {} : { headers: { Origin: origin } }) });
const baseOf = (url: string): URL => new URL("/", url);

function check(url: string, origin: string | undefined, host: string, publicUrl?: string): void {
  const base = publicUrl === undefined ? baseOf(url) : new URL(publicUrl);
  checkWriter(write(url, origin), base, {
    host,
    ...(publicUrl === undefined ? {} : { publicUrl: new URL(publicUrl) }),
  });
}

test("programs and pages of this machine may write", () => {
  check(AT, undefined, "127.0.0.1");
  check(AT, "http://127.0.0.1:9010", "127.0.0.1");
  check("http://localhost:9010/x", "http://localhost:9010", "127.0.0.1");
  check("http://[::1]:9010/x", undefined, "::1");
});

test("behind a proxy those that it lets through may write", () => {
  check(AT, "https://data.example.org", "127.0.0.1", "https://data.example.org/gyre/");
  check("http://data.example.org/x", undefined, "127.0.0.1", "https://data.example.org/");
});

test("nobody may write where others reach the node", () => {
  for (const host of ["0.0.0.0", "::", "192.168.0.2", "127.0.0.1.example.org"]) {
    assert.throws(() => check(AT, undefined, host), { name: "GyreError(Denied)", message: /asks nobody/ }, host);
  }
});

test("pages of other origins may not write, whatever name leads them here", () => {
  for (const origin of ["https://evil.example", "http://127.0.0.1:9011", "null"]) {
    assert.throws(() => check(AT, origin, "127.0.0.1"), { name: "GyreError(Denied)", message: /pages of/ }, origin);
  }
  const rebound = "http://evil.example:9010/stac/collections/c/items";
  assert.throws(() => check(rebound, "http://evil.example:9010", "127.0.0.1"), /addresses of this machine/);
  assert.throws(() => check(AT, "https://other.example", "127.0.0.1", "https://data.example.org/"), /pages of/);
});
