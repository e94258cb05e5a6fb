/** One property in which a file read by Gyre is not what the independent tool says. */
export interface Difference {
  /** `variables/air/dtype`: the same property has the same path in every record. */
  readonly path: string;
  readonly ours: string;
  readonly theirs: string;
}

/** Gathers what was compared and what differs. */
export interface Findings {
  readonly compared: number;
  readonly differences: readonly Difference[];
  /** Compares with `===` on numbers and text, element by element on lists; NaN equals NaN. */
  equal(path: string, ours: unknown, theirs: unknown): void;
  /** Like `equal` for numbers that went through other arithmetic: relative difference at most `tolerance`. */
  close(path: string, ours: number | undefined, theirs: number | null, tolerance: number): void;
  fail(path: string, ours: string, theirs: string): void;
}

export function createFindings(): Findings {
  const differences: Difference[] = [];
  let compared = 0;
  const fail = (path: string, ours: string, theirs: string): void => {
    differences.push({ path, ours: clip(ours), theirs: clip(theirs) });
  };
  return {
    get compared() {
      return compared;
    },
    differences,
    fail,
    equal(path, ours, theirs) {
      compared++;
      const a = canonical(ours);
      const b = canonical(theirs);
      if (a !== b) fail(path, a, b);
    },
    close(path, ours, theirs, tolerance) {
      compared++;
      if (ours === undefined || theirs === null) {
        if (!(Number.isNaN(ours ?? Number.NaN) && theirs === null)) fail(path, String(ours), String(theirs));
        return;
      }
      const scale = Math.max(Math.abs(ours), Math.abs(theirs), 1e-300);
      const same = Object.is(ours, theirs) || ours === theirs || Math.abs(ours - theirs) <= tolerance * scale;
      if (!same) fail(path, String(ours), String(theirs));
    },
  };
}

function clip(text: string): string {
  return text.length > 160 ? `${text.slice(0, 157)}...` : text;
}

/** A text form in which equal values are equal: numbers as doubles, 64-bit integers exact, `nan` and `inf` as Python says. */
function canonical(value: unknown): string {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") {
    return Number.isNaN(value)
      ? '"nan"'
      : Number.isFinite(value)
        ? String(value === 0 ? 0 : value)
        : value > 0
          ? '"inf"'
          : '"-inf"';
  }
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === undefined) return "absent";
  return JSON.stringify(value);
}
