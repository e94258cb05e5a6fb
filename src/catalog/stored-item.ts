import type { StacItem } from "../core/stac.ts";
import type { StoredItem } from "./catalog.ts";
import { itemOf } from "./item-row.ts";
import { Sql } from "./sql.ts";

/** An item's row as it is answered. */
export interface ItemTexts {
  readonly body: string;
  readonly properties: string;
  readonly etag: string;
  readonly updated: Date;
}

/** The columns of `ItemTexts`. */
export const ITEM_TEXTS = new Sql("body::text, properties::text, etag, updated");

/** An item whose texts are parsed when somebody looks into it, once. */
export class UnparsedItem implements StoredItem {
  readonly body: string;
  readonly properties: string;
  readonly etag: string;
  readonly updated: Date;
  #document: StacItem | undefined;

  constructor({ body, properties, etag, updated }: ItemTexts) {
    this.body = body;
    this.properties = properties;
    this.etag = etag;
    this.updated = updated;
  }

  get document(): StacItem {
    return (this.#document ??= itemOf(JSON.parse(this.body) as object, JSON.parse(this.properties) as object));
  }
}
