import type { ArraySpec } from "../../core/array.ts";
import { asBytes } from "../../core/dtype.ts";
import { isText } from "./axis.ts";
import type { KeptValues, MemberSummary, StoredTime, VariableSummary } from "./member.ts";

/** Summaries with every repeated part once: what is kept of a cube's members between runs. */
export interface StoredSummaries {
  readonly specs: readonly ArraySpec[];
  readonly times: readonly StoredTime[];
  readonly kept: readonly {
    readonly digest: string;
    readonly numbers?: Uint8Array;
    readonly text?: readonly string[];
  }[];
  /** Source, identity, and per variable: name, spec, flags (1 derived, 2 coordinate, 4 mutable), time and kept values or -1. */
  readonly members: readonly (readonly [string, string, ...(readonly [string, number, number, number, number])[]])[];
}

export function storeSummaries(members: readonly MemberSummary[]): StoredSummaries {
  const specs = new Numbered<ArraySpec>();
  const times = new Numbered<StoredTime>();
  const kept = new Numbered<KeptValues>();
  const rows = members.map(({ source, identity, variables }) => {
    const columns = [...variables].map(
      ([name, v]) =>
        [
          name,
          specs.of(v.spec),
          (v.derived ? 1 : 0) | (v.isCoordinate ? 2 : 0) | (v.mutable ? 4 : 0),
          v.time === undefined ? -1 : times.of(v.time),
          v.kept === undefined ? -1 : kept.of(v.kept),
        ] as const,
    );
    return [source, identity, ...columns] as const;
  });
  return {
    specs: specs.values,
    times: times.values,
    kept: kept.values.map(({ values, digest }) =>
      isText(values) ? { digest, text: values } : { digest, numbers: asBytes(values) },
    ),
    members: rows,
  };
}

export function restoreSummaries({ specs, times, kept, members }: StoredSummaries): MemberSummary[] {
  const values = kept.map(
    ({ digest, numbers, text }): KeptValues =>
      text !== undefined
        ? { digest, values: text }
        : { digest, values: new Float64Array(numbers!.slice().buffer as ArrayBuffer) },
  );
  return members.map(([source, identity, ...columns]) => ({
    source,
    identity,
    variables: new Map(
      columns.map(([name, spec, flags, time, keep]): [string, VariableSummary] => [
        name,
        {
          spec: specs[spec]!,
          derived: (flags & 1) !== 0,
          isCoordinate: (flags & 2) !== 0,
          mutable: (flags & 4) !== 0,
          ...(time < 0 ? {} : { time: times[time]! }),
          ...(keep < 0 ? {} : { kept: values[keep]! }),
        },
      ]),
    ),
  }));
}

class Numbered<T> {
  readonly values: T[] = [];
  readonly #numbers = new Map<T, number>();

  of(value: T): number {
    const known = this.#numbers.get(value);
    if (known !== undefined) return known;
    this.#numbers.set(value, this.values.length);
    return this.values.push(value) - 1;
  }
}
