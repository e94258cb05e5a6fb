/** Reads what Python printed of complex numbers, structures and arrays: the numbers and words in it, in order. */
export function pythonWords(text: string): string[] {
  const plain = text.replaceAll(/array\(|dtype=\w+|\bb(?=['"])/g, " ");
  if (/^[-+.\de]+j$/.test(plain)) return ["0", number(plain.slice(0, -1))];
  const tokens = plain.match(/[A-Za-z_]\w*|[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/g) ?? [];
  return tokens
    .filter((token) => token !== "j" && token !== "nan")
    .map((token) => (Number.isNaN(Number(token)) ? token : number(token)));
}

/** The same of our own value: structures are objects or lists, complex numbers pairs. */
export function ourWords(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(ourWords);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>).flatMap(ourWords);
  if (value !== null && typeof value === "object") return Object.values(value).flatMap(ourWords);
  return typeof value === "string" ? pythonWords(value) : [number(String(value))];
}

/** Python prints arrays with eight digits. */
function number(text: string): string {
  return String(Number(Number(text).toPrecision(6)));
}

/** Whether a record's text is Python's form of something that is no text: `(1.0, 2)`, `4j`. */
export function isPrinted(theirs: unknown): theirs is string {
  return typeof theirs === "string" && (/^[([].*[)\]]$/s.test(theirs) || /^[-+.\de]+j$/.test(theirs));
}
