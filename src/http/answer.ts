/** One request and what came of it, for logs and measurements. */
export interface Answer {
  readonly method: string;
  /** The route's path as OpenAPI writes it; `unknown` where none fits. */
  readonly route: string;
  readonly status: number;
  /** From the request to the last byte handed over. */
  readonly ms: number;
  /** Of the body, as it was sent. */
  readonly bytes: number;
}

/** The same response, with `done` told of the bytes of its body when they are through, or the client is gone. */
export function counted(request: Request, response: Response, done: (bytes: number) => void): Response {
  const { body, headers, status } = response;
  const length = headers.get("content-length");
  // What has a length is not watched on its way: a stream in between would cost more than the rest of the answer.
  if (body === null || length !== null) {
    done(body === null || request.method === "HEAD" ? 0 : Number(length));
    return response;
  }
  const reader = body.getReader();
  let bytes = 0;
  const watched = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done: isOver, value } = await reader.read();
        if (isOver) {
          done(bytes);
          controller.close();
        } else {
          bytes += value.byteLength;
          controller.enqueue(value);
        }
      } catch (error) {
        done(bytes);
        throw error;
      }
    },
    async cancel(reason) {
      done(bytes);
      await reader.cancel(reason);
    },
  });
  return new Response(watched, { status, headers });
}
