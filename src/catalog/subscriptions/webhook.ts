import { createHmac } from "node:crypto";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { GyreError } from "../../errors.ts";
import { publicLookup } from "./addresses.ts";
import { noticeId, type Waiting } from "./subscription.ts";

/** Who is told, and what the notices are signed with. */
export interface Webhook {
  readonly url: string;
  readonly secret?: string | undefined;
}

export interface SendOptions {
  /** Whether names may lead to this machine or its network. */
  readonly isPrivate: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** POSTs a notice. Throws Busy when it did not arrive, Gone when the receiver says that it never will. */
export async function sendNotice(
  subscription: string,
  { url, secret }: Webhook,
  { body, event_id, sequence }: Waiting,
  options: SendOptions,
): Promise<void> {
  const headers: Record<string, string> = {
    "Content-Type": "application/json",
    "Content-Length": String(Buffer.byteLength(body)),
    "User-Agent": "gyre",
    "Gyre-Notice-Id": noticeId(event_id, subscription),
    "Gyre-Notice-Sequence": String(sequence),
  };
  if (secret !== undefined) headers["Gyre-Signature"] = signatureOf(secret, body);
  const status = await posted(new URL(url), body, headers, options);
  if (status >= 200 && status < 300) return;
  throw new GyreError(status === 410 ? "Gone" : "Busy", `${new URL(url).host} answers ${status}`);
}

/** What a receiver compares: HMAC-SHA256 of the body's bytes (RFC 2104), as hexadecimal digits. */
export function signatureOf(secret: string, body: string): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

/** The status of the answer; redirections are answers like others, and nothing of the body is read. */
function posted(
  url: URL,
  body: string,
  headers: Record<string, string>,
  { isPrivate, timeoutMs, signal }: SendOptions,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === "https:" ? requestHttps : requestHttp;
    const request = send(url, {
      method: "POST",
      headers,
      // `fetch` does not let names be checked as they are connected to.
      ...(isPrivate ? {} : { lookup: publicLookup }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    request.on("response", (response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    request.on("error", (cause) => {
      reject(new GyreError("Busy", `${url.host} cannot be reached: ${cause.message}`, { cause }));
    });
    request.end(body);
  });
}
