import { isGyreError } from "../errors.ts";

/**
 * Answers a reading request, and once more when a source changed under it: the node has forgotten by then what it knew
 * of that source, so the second answer is of the new version alone.
 */
export async function onceMore<T>(answer: () => Promise<T>): Promise<T> {
  try {
    return await answer();
  } catch (error) {
    if (!isChange(error)) throw error;
    return answer();
  }
}

/** Also where a protocol has made it a fault that may pass. */
function isChange(error: unknown): boolean {
  return isGyreError(error, "Conflict") || (isGyreError(error, "Busy") && isGyreError(error.cause, "Conflict"));
}
