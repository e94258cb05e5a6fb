/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export interface StacLink {
  readonly rel: string;
  readonly href: string;
  readonly type?: string;
  readonly title?: string;
  readonly hreflang?: string;
  readonly method?: string;
  readonly body?: { readonly [key: string]: Json };
  readonly merge?: boolean;
}

export interface StacAsset {
  readonly href: string;
  readonly type?: string;
  readonly title?: string;
  readonly roles?: readonly string[];
  readonly [field: string]: Json | undefined;
}

/** A GeoJSON geometry (RFC 7946), WGS 84, longitude before latitude. */
export type Geometry =
  | { readonly type: "Point"; readonly coordinates: readonly number[] }
  | { readonly type: "MultiPoint" | "LineString"; readonly coordinates: readonly (readonly number[])[] }
  | { readonly type: "MultiLineString" | "Polygon"; readonly coordinates: readonly (readonly (readonly number[])[])[] }
  | {
      readonly type: "MultiPolygon";
      readonly coordinates: readonly (readonly (readonly (readonly number[])[])[])[];
    }
  | { readonly type: "GeometryCollection"; readonly geometries: readonly Geometry[] };

/** A STAC Item (1.0 or 1.1). Foreign members are kept as they came. */
export interface StacItem {
  readonly type: "Feature";
  readonly stac_version: string;
  readonly stac_extensions?: readonly string[];
  readonly id: string;
  readonly collection?: string;
  readonly geometry: Geometry | null;
  readonly bbox?: readonly number[];
  readonly properties: { readonly datetime: string | null; readonly [name: string]: Json };
  readonly links: readonly StacLink[];
  readonly assets: { readonly [key: string]: StacAsset };
}

/** A STAC Collection (1.0 or 1.1). */
export interface StacCollection {
  readonly type: "Collection";
  readonly stac_version: string;
  readonly stac_extensions?: readonly string[];
  readonly id: string;
  readonly title?: string;
  readonly description: string;
  readonly keywords?: readonly string[];
  readonly license: string;
  readonly extent: {
    readonly spatial: { readonly bbox: readonly (readonly number[])[] };
    readonly temporal: { readonly interval: readonly (readonly (string | null)[])[] };
  };
  readonly links: readonly StacLink[];
  readonly [field: string]: unknown;
}
