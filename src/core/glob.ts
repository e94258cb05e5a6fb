import { GyreError } from "../errors.ts";

/** A path pattern, ready to be compared. */
export interface Glob {
  /** Whether the whole path fits. */
  test(path: string): boolean;
}

/** Patterns that `{a,b}` may stand for. */
const MOST_ALTERNATIVES = 256;
const LONGEST = 4096;

/**
 * Reads a path pattern: `*` and `?` stay within one part, a part `**` stands for any number of parts, `[abc]` and
 * `{a,b}` as in a shell. Patterns and paths come from catalogues and archives, so both are walked side by side, in time
 * that grows with their lengths alone; a backtracking expression takes minutes for six stars and a long name.
 */
export function globPattern(glob: string): Glob {
  if (glob.length > LONGEST) throw refused(glob.slice(0, 100), `is longer than ${LONGEST} characters`);
  const automata = alternatives(glob).map(compiled);
  return { test: (path) => automata.some((states) => fits(states, path)) };
}

/** One place in a pattern, and where the next character may lead from it. */
interface State {
  /** The place that is reached without a character. */
  readonly skip?: number;
  readonly moves: readonly { readonly takes: (character: string) => boolean; readonly to: number }[];
}

const isAny = (): boolean => true;
const isName = (character: string): boolean => character !== "/";
const isSlash = (character: string): boolean => character === "/";

/** The places of a pattern without braces; the end is one behind the last. */
function compiled(glob: string): State[] {
  const states: State[] = [];
  const take = (takes: (character: string) => boolean): void => {
    states.push({ moves: [{ takes, to: states.length + 1 }] });
  };
  const repeat = (takes: (character: string) => boolean): void => {
    states.push({ skip: states.length + 1, moves: [{ takes, to: states.length }] });
  };
  for (let i = 0; i < glob.length; ) {
    const character = String.fromCodePoint(glob.codePointAt(i)!);
    const classEnd = character === "[" ? glob.indexOf("]", i + 2) : -1;
    if (character === "*") {
      const from = i;
      while (glob[i] === "*") i++;
      if (i - from === 1) repeat(isName);
      else if (glob[i] !== "/") repeat(isAny);
      else {
        // Whole parts: from the border of one into it, and behind its slash to a border again.
        const border = states.length;
        states.push({ skip: border + 2, moves: [{ takes: isName, to: border + 1 }] });
        states.push({
          moves: [
            { takes: isName, to: border + 1 },
            { takes: isSlash, to: border },
          ],
        });
        i++;
      }
    } else if (classEnd > 0) {
      take(characterClass(glob, glob.slice(i + 1, classEnd)));
      i = classEnd + 1;
    } else {
      take(character === "?" ? isName : (found) => found === character);
      i += character.length;
    }
  }
  return states;
}

function characterClass(glob: string, body: string): (character: string) => boolean {
  const escaped = body.replace(/^!/, "^").replaceAll("\\", "\\\\").replaceAll("[", "\\[");
  try {
    const expression = new RegExp(`^[${escaped}]$`, "u");
    return (character) => expression.test(character);
  } catch {
    throw refused(glob, "is no pattern");
  }
}

/** All places that can be reached are followed at once. */
function fits(states: readonly State[], path: string): boolean {
  const reach = (places: Set<number>, place: number): void => {
    for (let at: number | undefined = place; at !== undefined && !places.has(at); at = states[at]?.skip) places.add(at);
  };
  let places = new Set<number>();
  reach(places, 0);
  for (const character of path) {
    const next = new Set<number>();
    for (const place of places) {
      for (const { takes, to } of states[place]?.moves ?? []) if (takes(character)) reach(next, to);
    }
    if (next.size === 0) return false;
    places = next;
  }
  return places.has(states.length);
}

/** The patterns that one with braces stands for. A brace without its other half stands for itself. */
function alternatives(glob: string): string[] {
  const braces = firstBraces(glob);
  if (braces === undefined) return [glob];
  const [start, ...commas] = braces.slice(0, -1);
  const end = braces.at(-1)!;
  const found: string[] = [];
  for (const [k, from] of [start!, ...commas].entries()) {
    const chosen = glob.slice(from + 1, commas[k] ?? end);
    found.push(...alternatives(glob.slice(0, start) + chosen + glob.slice(end + 1)));
    if (found.length > MOST_ALTERNATIVES) {
      throw refused(glob, `stands for more than ${MOST_ALTERNATIVES} patterns`);
    }
  }
  return found;
}

function refused(glob: string, reason: string): GyreError {
  return new GyreError("BadRequest", `"${glob}" ${reason}`, { subject: glob });
}

/** Where the first brace that is closed opens, its commas, and where it closes. */
function firstBraces(glob: string): number[] | undefined {
  const open: number[][] = [];
  let first: number[] | undefined;
  for (let i = 0; i < glob.length; i++) {
    const character = glob[i]!;
    const classEnd = character === "[" ? glob.indexOf("]", i + 2) : -1;
    if (classEnd > 0) i = classEnd;
    else if (character === "{") open.push([i]);
    else if (character === ",") open.at(-1)?.push(i);
    else if (character === "}") {
      const closed = open.pop();
      if (closed !== undefined && (first === undefined || closed[0]! < first[0]!)) first = [...closed, i];
    }
  }
  return first;
}

/** A path as people write it; text that is not percent-encoded as it should be stays as it is. */
export function decodedPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

export function hasGlob(path: string): boolean {
  return /[*?[{]/.test(path);
}

/** True when a name is the pattern, or fits it where it has wildcards. */
export function globMatches(pattern: string, name: string): boolean {
  return pattern === name || (hasGlob(pattern) && globPattern(pattern).test(name));
}
