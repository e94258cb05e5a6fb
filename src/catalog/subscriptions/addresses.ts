import { lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { GyreError } from "../../errors.ts";

/** Where webhooks may lead, as the configuration says. */
export interface Reachable {
  /** Beginnings of addresses; none: no webhooks. */
  readonly allow: readonly string[];
  /** Whether names may lead to this machine or its network. */
  readonly isPrivate: boolean;
}

/** Addresses that are nobody's on the internet (IANA special-purpose registries). */
const PRIVATE = new BlockList();
for (const [net, bits] of [
  ...([
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["100.64.0.0", 10],
    ["127.0.0.0", 8],
    ["169.254.0.0", 16],
  ] as const),
  ...([
    ["172.16.0.0", 12],
    ["192.0.0.0", 24],
    ["192.0.2.0", 24],
    ["192.168.0.0", 16],
    ["198.18.0.0", 15],
  ] as const),
  ...([
    ["198.51.100.0", 24],
    ["203.0.113.0", 24],
    ["224.0.0.0", 4],
    ["240.0.0.0", 4],
  ] as const),
] as const) {
  PRIVATE.addSubnet(net, bits, "ipv4");
}
/** But for 2000::/3 nothing of IPv6 is global, and of that not what leads to IPv4 or is for documents. */
const GLOBAL6 = new BlockList();
GLOBAL6.addSubnet("2000::", 3, "ipv6");
for (const [net, bits] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const) {
  PRIVATE.addSubnet(net, bits, "ipv6");
}

/** Throws BadRequest for an address to which nothing may be sent. What its name leads to is decided when it is sent. */
export function checkAddress(text: string, { allow, isPrivate }: Reachable): URL {
  const refused = (why: string): GyreError =>
    new GyreError("BadRequest", `target.url ${why}`, { subject: "target.url", allowed: allow });
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw refused("is no http or https address");
  if (url.username !== "" || url.password !== "" || url.hash !== "") throw refused("has credentials or a fragment");
  if (!allow.some((prefix) => isBelow(url, prefix)))
    throw refused("lies outside of what subscriptions.allow of this node names");
  if (!isPrivate && isIP(bare(url.hostname)) !== 0 && isPrivateAddress(bare(url.hostname))) {
    throw refused("is an address of a private network");
  }
  return url;
}

/** The same host, and the same path or one below: `https://a/x` is no beginning of `https://a/xy`. */
function isBelow(url: URL, prefix: string): boolean {
  const base = URL.parse(prefix);
  if (base === null || base.origin !== url.origin) return false;
  const folder = base.pathname.endsWith("/") ? base.pathname : `${base.pathname}/`;
  return url.pathname === base.pathname || url.pathname.startsWith(folder);
}

export function isPrivateAddress(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return isPrivateAddress(mapped);
  if (isIP(address) === 4) return PRIVATE.check(address, "ipv4");
  return !GLOBAL6.check(address, "ipv6") || PRIVATE.check(address, "ipv6");
}

/** Looks names up for a connection, and lets it know no private address: what is connected to is what was checked. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    const [first, ...rest] = (found ?? []).filter(({ address }) => !isPrivateAddress(address));
    if (error !== null) callback(error, "", 0);
    else if (first === undefined) callback(new Error(`${hostname} leads to a private network`), "", 0);
    else if (options.all === true) callback(null, [first, ...rest]);
    else callback(null, first.address, first.family);
  });
};

/** A host without the brackets of IPv6. */
function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}
