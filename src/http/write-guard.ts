import { GyreError } from "../errors.ts";

/** Who may write, as long as nobody has to say who they are. */
export interface WriteRules {
  /** The address that the node listens on. */
  readonly host: string;
  /** Scheme, host and prefix that the operator says the world sees: only behind a proxy. */
  readonly publicUrl?: URL;
}

/**
 * Refuses writes that nobody on this machine meant (DESIGN 9, safe by default): on an address that others reach, and from
 * pages of other origins in a browser of this machine, also where such a page has a name that leads here.
 */
export function checkWriter(request: Request, base: URL, { host, publicUrl }: WriteRules): void {
  if (!isLoopback(host)) {
    throw new GyreError("Denied", `this node listens on ${host}, where others reach it, and asks nobody who they are`, {
      type: "operation-not-permitted",
    });
  }
  const asked = new URL(request.url).hostname;
  if (publicUrl === undefined && !isLoopback(asked)) {
    throw new GyreError("Denied", `writes are taken at the addresses of this machine, not at ${asked}`, {
      type: "operation-not-permitted",
    });
  }
  const origin = request.headers.get("origin");
  if (origin !== null && origin !== base.origin) {
    throw new GyreError("Denied", `pages of ${origin} may not write here`, { type: "operation-not-permitted" });
  }
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
