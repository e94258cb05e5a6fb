import type { Principal } from "../../core/principal.ts";
import type { Json, StacItem } from "../../core/stac.ts";
import type { Positions } from "../compare/sources.ts";
import type { Sealed } from "./keyring.ts";

/** Where notices go. A secret is a text where somebody asks for it. */
export type Target<Secret = string> =
  /** POSTed, signed where there is a secret. */
  | { readonly type: "webhook"; readonly url: string; readonly secret?: Secret }
  /** Appended to the node's log, under `notices.{name}`. */
  | { readonly type: "topic"; readonly name: string }
  /** Kept until somebody listens. */
  | { readonly type: "sse" };

/** A target in the database; earlier versions of Gyre kept secrets as they are. */
export type KeptTarget = Target<Sealed | string>;

/** A search that goes on. */
export interface Subscription {
  readonly id: string;
  readonly created: Date;
  /** As it was sent. */
  readonly search: Json;
  readonly target: KeptTarget;
  readonly who: Principal;
  /** How far the past is looked through; null: it has been. */
  readonly read: Positions | null;
  /** From where on the past is told. */
  readonly since: Positions | null;
  /** Sequence number of the last notice, and of the last that arrived. */
  readonly notices: number;
  readonly delivered: number;
  /** In vain, for the next notice. */
  readonly attempts: number;
  readonly paused: boolean;
  readonly error: string | null;
}

/** What an event did to an item, as the search sees it. */
export type NoticeKind = "entered" | "changed" | "left" | "deleted";

/** What is sent. The id is the same for each attempt, and for each node that has the subscription. */
export interface Notice {
  readonly id: string;
  readonly subscription: string;
  /** Without gaps from 1 on. */
  readonly sequence: number;
  readonly kind: NoticeKind;
  readonly event_id: string;
  readonly collection: string;
  readonly item: string;
  /** Of the event. */
  readonly time: string;
  /** The item after the event; null where it is gone, and where it is too long to be sent along. */
  readonly document: StacItem | null;
}

/** A notice as it waits: `body` is its JSON. */
export interface Waiting {
  readonly sequence: number;
  readonly event_id: string;
  readonly body: string;
}

/** Columns of `subscription`. */
export const COLUMNS = "id, created, search, target, who, read, since, notices, delivered, attempts, paused, error";

/** Notices of one subscription that wait, at most; then it lags, and looks through the log when they have arrived. */
export const MOST_WAITING = 1000;
/** Arrived notices that are kept for those who listen again from an earlier one. */
export const KEPT = 500;
/** Of one node. */
export const MOST_SUBSCRIPTIONS = 200;
/** Bytes of a document that is sent along. */
export const MOST_DOCUMENT = 256 * 1024;

/** The channel on which the changed subscription is told. */
export function channelOf(schema: string): string {
  return `subscription:${schema}`.slice(0, 63);
}

export function noticeId(eventId: string, subscription: string): string {
  return `${eventId}.${subscription}`;
}
