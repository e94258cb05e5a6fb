import { GyreError } from "../errors.ts";

/**
 * A path pattern as a regular expression over the whole path: `*` and `?` stay within one part, a part `**` stands for
 * any number of parts, `[abc]` and `{a,b}` as in a shell. Each wildcard is written so that matching stays linear.
 */
export function globPattern(glob: string): RegExp {
  let source = "";
  let depth = 0;
  for (let i = 0; i < glob.length; i++) {
    const c = glob[i]!;
    if (c === "*" && glob[i + 1] === "*") {
      while (glob[i + 1] === "*") i++;
      const isPart = glob[i + 1] === "/";
      source += isPart ? "(?:[^/]+/)*" : ".*";
      if (isPart) i++;
    } else if (c === "*") {
      while (glob[i + 1] === "*") i++;
      source += "[^/]*";
    } else if (c === "?") source += "[^/]";
    else if (c === "[" && glob.indexOf("]", i + 2) > 0) {
      const end = glob.indexOf("]", i + 2);
      const body = glob
        .slice(i + 1, end)
        .replace(/^!/, "^")
        .replaceAll("\\", "\\\\")
        .replaceAll("[", "\\[");
      source += `[${body}]`;
      i = end;
    } else if (c === "{" && glob.indexOf("}", i) > 0) {
      source += "(?:";
      depth++;
    } else if (c === "}" && depth > 0) {
      source += ")";
      depth--;
    } else if (c === "," && depth > 0) source += "|";
    else source += c.replace(/[\\^$.*+?()[\]{}|]/, "\\$&");
  }
  try {
    return new RegExp(`^${source}${")".repeat(depth)}$`, "u");
  } catch {
    throw new GyreError("BadRequest", `"${glob}" is no pattern`, { subject: glob });
  }
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
