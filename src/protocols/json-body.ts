import { GyreError } from "../errors.ts";

/** Deeper nesting is no document that anybody means. */
const MOST_DEPTH = 200;

/** The bytes of a request's body. Throws TooLarge beyond `most`. */
export async function readBody(request: Request, most: number): Promise<Uint8Array> {
  const tooLarge = (): GyreError =>
    new GyreError("TooLarge", `the body may have ${most} bytes; send larger collections in parts`);
  const length = request.headers.get("content-length");
  if (Number(length ?? 0) > most) throw tooLarge();
  // The server lets no more come than was said, and gathers it without a stream.
  if (length !== null) return new Uint8Array(await request.arrayBuffer());
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of request.body ?? []) {
    size += part.byteLength;
    if (size > most) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts, size);
}

/**
 * The JSON of a request's body. Throws MediaType when it is said to be something else than `types`, TooLarge, and
 * BadRequest for what is no JSON in UTF-8.
 */
export async function readJson(request: Request, types: readonly string[], most: number): Promise<unknown> {
  const type = mediaTypeOf(request);
  if (type !== undefined && !types.includes(type)) {
    throw new GyreError("MediaType", `bodies of type ${type} are not taken here`, { subject: type, allowed: types });
  }
  const coding = request.headers.get("content-encoding") ?? "identity";
  if (coding.trim().toLowerCase() !== "identity") {
    throw new GyreError("MediaType", `bodies are taken without the coding ${coding}`, { subject: coding });
  }
  const bytes = await readBody(request, most);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new GyreError("BadRequest", "the body is not in UTF-8", { cause });
  }
  checkDepth(text);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GyreError("BadRequest", `the body is no JSON: ${(cause as Error).message}`, { cause });
  }
}

/** The type of a request's body in lower case, without parameters. */
export function mediaTypeOf(request: Request): string | undefined {
  const header = request.headers.get("content-type");
  return header === null ? undefined : (header.split(";")[0] as string).trim().toLowerCase();
}

/** Refuses nesting that would exhaust the stack of whoever walks the document later. */
function checkDepth(text: string): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 92) i++;
      else if (code === 34) inString = false;
    } else if (code === 34) inString = true;
    else if (code === 123 || code === 91) {
      if (++depth > MOST_DEPTH)
        throw new GyreError("BadRequest", `the body is nested deeper than ${MOST_DEPTH} levels`);
    } else if (code === 125 || code === 93) depth--;
  }
}
