/** Seconds that a request may wait for its event to be applied. */
const MOST_WAIT = 30;
const WAIT_OF_REPRESENTATION = 5;

/** What a client would like (RFC 7240), as far as it is known here. */
export interface Preference {
  /** How long to wait for the effect; 0: not at all. */
  readonly seconds: number;
  readonly returns: "minimal" | "representation" | undefined;
}

/** Reads `Prefer`. Whoever wants the document waits for it, said or not. */
export function preferenceOf(request: Request): Preference {
  const header = request.headers.get("prefer") ?? "";
  const wait = Number(/(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})\b/i.exec(header)?.[1] ?? 0);
  const named = /(?:^|[,;\s])return\s*=\s*"?(minimal|representation)\b/i.exec(header)?.[1];
  const returns = named?.toLowerCase() as Preference["returns"];
  const seconds = wait === 0 && returns === "representation" ? WAIT_OF_REPRESENTATION : wait;
  return { seconds: Math.min(seconds, MOST_WAIT), returns };
}

/** `Preference-Applied` of a preference that was kept. */
export function appliedPreference({ seconds, returns }: Preference): string {
  return [`wait=${seconds}`, ...(returns === undefined ? [] : [`return=${returns}`])].join(", ");
}
