/**
 * Whether a text is like a pattern of SQL: `%` any text, `_` one character, `\` the next one as it is. In time
 * proportional to the product of their lengths, whatever the pattern.
 */
export function isLike(text: string, pattern: string): boolean {
  const characters = [...text];
  const parts = readPattern(pattern);
  let [at, part] = [0, 0];
  let back: { at: number; part: number } | undefined;
  while (at < characters.length) {
    const wanted = parts[part];
    if (wanted === "any") {
      back = { at, part: ++part };
    } else if (wanted !== undefined && (wanted === "one" || wanted.character === characters[at])) {
      at++;
      part++;
    } else if (back !== undefined) {
      back = { at: back.at + 1, part: back.part };
      [at, part] = [back.at, back.part];
    } else return false;
  }
  return parts.slice(part).every((rest) => rest === "any");
}

function readPattern(pattern: string): readonly ("any" | "one" | { readonly character: string })[] {
  const characters = [...pattern];
  const parts: ("any" | "one" | { readonly character: string })[] = [];
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i]!;
    if (character === "\\" && i + 1 < characters.length) parts.push({ character: characters[++i]! });
    else parts.push(character === "%" ? "any" : character === "_" ? "one" : { character });
  }
  return parts;
}
