import { z } from "zod";

/** What is known of boundaries before any are loaded. */
export const boundaries = z.strictObject({});
