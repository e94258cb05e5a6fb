/**
 * The members of a JSON object as they are written, `"name": value`, by their names; of several with one name the last, as
 * for `JSON.parse`. The text must be good JSON: nothing of it is looked at but where its members end.
 */
export function membersOf(object: string): Map<string, string> {
  const members = new Map<string, string>();
  let depth = 0;
  let start = 0;
  let name: string | undefined;
  for (let at = 0; at < object.length; at++) {
    switch (object[at]) {
      case '"': {
        const end = endOfString(object, at);
        if (depth === 1 && name === undefined) name = nameOf(object.slice((start = at), end + 1));
        at = end;
        break;
      }
      case "[":
      case "{":
        depth++;
        break;
      case "]":
      case "}":
      case ",":
        if (depth === 1 && name !== undefined) {
          members.set(name, object.slice(start, at));
          name = undefined;
        }
        if (object[at] !== ",") depth--;
    }
  }
  return members;
}

/** Where the quote is that closes what one opens. */
function endOfString(text: string, start: number): number {
  let end = start;
  do end = text.indexOf('"', end + 1);
  while (end !== -1 && isEscaped(text, end));
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}

function nameOf(literal: string): string {
  return literal.includes("\\") ? (JSON.parse(literal) as string) : literal.slice(1, -1);
}
