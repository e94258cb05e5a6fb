import type { IoCall } from "./array.ts";

/** Who asks. Anonymous until an identity provider is configured. */
export interface Principal {
  readonly subject: string;
  readonly roles: readonly string[];
}

export const ANONYMOUS: Principal = Object.freeze({ subject: "anonymous", roles: Object.freeze([]) });

/** Required in every call of `Access`, catalogue, log and flows: what stops it, and for whom it runs. */
export interface Call extends IoCall {
  readonly who: Principal;
}
