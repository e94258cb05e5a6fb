const JSON_TYPE = "application/json";

export interface JsonAnswer {
  readonly status?: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** JSON, or its text, that is made anew for each request; its length is said, so that it may be compressed. */
export function jsonAnswer(
  body: object | string,
  { status = 200, type = JSON_TYPE, headers = {} }: JsonAnswer = {},
): Response {
  const bytes = new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
  return new Response(bytes, {
    status,
    headers: {
      "Content-Type": type,
      "Content-Length": String(bytes.byteLength),
      "Cache-Control": "no-cache",
      ...headers,
    },
  });
}
