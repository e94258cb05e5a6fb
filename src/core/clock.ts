/** Time, so that tests need not wait. */
export interface Clock {
  now(): number;
  /** Calls `work` once after `ms`; the result cancels it. */
  after(ms: number, work: () => void): () => void;
}
