import { GyreError } from "../errors.ts";

export interface BaseOptions {
  /** Scheme, host and path prefix under which the world sees this node; decides every absolute link. */
  readonly publicUrl?: URL;
  /** Believe `X-Forwarded-Proto`, `-Host` and `-Prefix`: only behind a proxy that sets them. */
  readonly trustForwarded?: boolean;
}

/** The node's address as this client must write it, ending in `/`. */
export function baseOf(request: Request, { publicUrl, trustForwarded }: BaseOptions): URL {
  if (publicUrl !== undefined) return new URL(publicUrl.href.endsWith("/") ? publicUrl.href : `${publicUrl.href}/`);
  const own = new URL("/", request.url);
  if (!trustForwarded) return own;
  const header = (name: string): string | undefined => request.headers.get(name)?.split(",")[0]?.trim() || undefined;
  const scheme = header("x-forwarded-proto") ?? own.protocol.slice(0, -1);
  const host = header("x-forwarded-host") ?? own.host;
  const prefix = (header("x-forwarded-prefix") ?? "").replace(/^\/+|\/+$/g, "");
  if (!/^https?$/.test(scheme) || !/^[A-Za-z0-9.:[\]-]+$/.test(host) || !/^[A-Za-z0-9._~/-]*$/.test(prefix)) {
    throw new GyreError("BadRequest", "the X-Forwarded headers of this request make no address");
  }
  return new URL(prefix === "" ? `${scheme}://${host}/` : `${scheme}://${host}/${prefix}/`);
}
