import { GyreError } from "../../errors.ts";

const MAX_FIELDS = 1000;

/** Rows of a CSV text (RFC 4180): quoted fields may hold commas, quotes and line ends. */
export function* csvRows(text: string): Generator<string[]> {
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (at < text.length) {
    const row: string[] = [];
    for (;;) {
      if (row.length >= MAX_FIELDS) throw new GyreError("BadSource", `a row of more than ${MAX_FIELDS} fields`);
      if (text[at] === '"') {
        let value = "";
        for (at++; ; ) {
          const end = text.indexOf('"', at);
          if (end < 0) throw new GyreError("BadSource", "a quote in the table is not closed");
          value += text.slice(at, end);
          at = end + 1;
          if (text[at] !== '"') break;
          value += '"';
          at++;
        }
        row.push(value);
      } else {
        const end = endOfField(text, at);
        row.push(text.slice(at, end));
        at = end;
      }
      if (text[at] !== ",") break;
      at++;
    }
    if (text[at] === "\r") at++;
    if (at < text.length && text[at] !== "\n") throw new GyreError("BadSource", `text behind a quoted field at ${at}`);
    at++;
    if (row.length > 1 || row[0] !== "") yield row;
  }
}

function endOfField(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 44 || c === 10 || (c === 13 && text.charCodeAt(i + 1) === 10)) return i;
  }
  return text.length;
}
