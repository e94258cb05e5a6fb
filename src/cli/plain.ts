/** Others' words on one line of a terminal, which control characters would break, or tell what to do. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ");
}
