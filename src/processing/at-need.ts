/** Something that is made when it is first asked for, and again when that failed. */
export interface AtNeed<T> {
  (): Promise<T>;
  /** What is there, or on its way; undefined: nobody asked. */
  readonly made: Promise<T> | undefined;
}

export function atNeed<T>(make: () => Promise<T>): AtNeed<T> {
  let made: Promise<T> | undefined;
  const get = (): Promise<T> => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
  return Object.defineProperty(get, "made", { get: () => made }) as AtNeed<T>;
}
