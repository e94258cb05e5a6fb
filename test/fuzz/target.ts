/** Files by their paths; the first one is that which is opened. */
export type Input = ReadonlyMap<string, Uint8Array>;

/** A well-formed input to start from. */
export interface Base {
  readonly name: string;
  readonly input: Input;
}

/** A parser under test. */
export interface Target {
  readonly name: string;
  /** How its inputs are best damaged. */
  readonly kind: "binary" | "json" | "text";
  /** Words of its language, for texts. */
  readonly words?: readonly string[];
  /** Whether an error must name the file it speaks of: false for what clients send. */
  readonly namesSource: boolean;
  bases(): readonly Base[];
  /** Parses and uses the input. Resolves, or rejects with a GyreError, or has found a bug. */
  run(input: Input): Promise<void>;
}
