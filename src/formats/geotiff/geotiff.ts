import type { Attr, Attrs, Dataset, Dimension, IoCall, Scalar, Variable } from "../../core/array.ts";
import { Tag } from "../../core/tiff/tags.ts";
import { badSource, isGyreError } from "../../errors.ts";
import type { Format } from "../format.ts";
import { sourceVersion } from "../version.ts";
import { bandAttrs, parseNodata } from "./bands.ts";
import { readDirectories, readNumbers, readText } from "./directory.ts";
import { type Georeference, readGeoreference, reducedGeoreference, sameGeoreference } from "./georeference.ts";
import { computedVariable, type GridNames, gridVariables } from "./grid.ts";
import { type Image, readImage } from "./image.ts";
import { type MetadataItem, readMetadata } from "./metadata.ts";
import { sortPages } from "./pages.ts";
import { openPixels } from "./pixels.ts";
import { isTiff, Source } from "./source.ts";
import { fileAttrs } from "./tags.ts";

/** Palettes of up to 12 bits become an attribute; a longer one is no colour table that a client could use. */
const MOST_COLOURS = 4096;

/**
 * GeoTIFF and Cloud Optimized GeoTIFF. The first image is `band_data`, as rioxarray names it; its reduced copies are
 * `band_data_overview_1`, ... (attributes `overview_of`, `overview_factor`), its mask is `mask` (`mask_of`), further
 * images are `page_2`, ... Every resolution has dimensions and, where rows and columns run along the axes,
 * coordinates of its own.
 */
export const geotiff: Format = {
  name: "geotiff",
  summary: "GeoTIFF and COG: classic and BigTIFF, tiles and strips, overviews, masks, GDAL's metadata",
  suffixes: [".tif", ".tiff"],
  sniff: ({ head }) => isTiff(head),
  async open(url, { files }, call): Promise<Dataset> {
    const source = await Source.open(url, files, call);
    const reader = new DatasetReader(source);
    const dataset = await reader.read(call);
    source.release();
    return dataset;
  },
};

/** What a resolution of an image is called. */
interface Naming {
  readonly data: string;
  readonly mask: string;
  /** Ends the names of dimensions and coordinates. */
  readonly suffix: string;
}

class DatasetReader {
  readonly #source: Source;
  readonly #variables = new Map<string, Variable>();
  readonly #dimensions = new Map<string, Dimension>();
  readonly #problems: string[] = [];

  constructor(source: Source) {
    this.#source = source;
  }

  async read(call?: IoCall): Promise<Dataset> {
    const source = this.#source;
    const images = await this.#images(call);
    const [first, ...others] = sortPages(images);
    if (first === undefined) throw badSource(source.url, 0, "no image");
    const items = await readMetadata(source, first.image.directory, call);
    const reference = await readGeoreference(source, first.image.directory, call);
    await this.#page(first, { data: "band_data", mask: "mask", suffix: "" }, items, reference, call);
    for (const [i, page] of others.entries()) {
      const data = `page_${i + 2}`;
      const own = await readGeoreference(source, page.image.directory, call);
      const sameSize = page.image.width === first.image.width && page.image.height === first.image.height;
      const shares = sameSize && (own === undefined || sameGeoreference(own, reference));
      const naming = { data, mask: `${data}_mask`, suffix: shares ? "" : `_${data}` };
      const pageItems = await readMetadata(source, page.image.directory, call);
      await this.#page(page, naming, pageItems, shares ? reference : own, call);
    }
    const attrs = await fileAttrs(source, first.image.directory, items, reference, call);
    return {
      format: "geotiff",
      version: sourceVersion(source.url, source.info),
      attrs,
      dimensions: this.#dimensions,
      groups: new Map(),
      variables: this.#variables,
      ...(this.#problems.length === 0 ? {} : { problems: this.#problems }),
    };
  }

  /** The first image must be readable; others that are not are left out and told. */
  async #images(call?: IoCall): Promise<Image[]> {
    const images: Image[] = [];
    for (const [i, directory] of (await readDirectories(this.#source, call)).entries()) {
      try {
        images.push(await readImage(this.#source, directory, call));
      } catch (error) {
        if (i === 0 || !isGyreError(error, "BadSource")) throw error;
        this.#problems.push(`image ${i + 1}: ${error.message}`);
      }
    }
    return images;
  }

  async #page(
    { image, mask, overviews }: ReturnType<typeof sortPages>[number],
    naming: Naming,
    items: readonly MetadataItem[],
    reference: Georeference | undefined,
    call?: IoCall,
  ): Promise<void> {
    const nodata = await this.#text(image, Tag.GdalNodata, call);
    const colorMap = await this.#colorMap(image, call);
    const fill = nodata === undefined ? null : (parseNodata(nodata, image.dtype) ?? null);
    const attrs = bandAttrs(image, items, nodata, colorMap);
    await this.#layer(image, mask, naming, reference, { attrs, fill }, call);
    // Statistics and the like describe the image, not its reductions.
    const properties = bandAttrs(
      image,
      items.filter((item) => item.role !== undefined),
      nodata,
      colorMap,
    );
    for (const [i, overview] of overviews.entries()) {
      const suffix = `_overview_${i + 1}`;
      const names = { data: naming.data + suffix, mask: naming.mask + suffix, suffix: naming.suffix + suffix };
      const linked = new Map(properties)
        .set("overview_of", { dtype: "string", value: naming.data })
        .set("overview_factor", { dtype: "float64", value: image.width / overview.image.width });
      const reduced = reference === undefined ? undefined : reducedGeoreference(reference, image, overview.image);
      await this.#layer(overview.image, overview.mask, names, reduced, { attrs: linked, fill }, call);
    }
  }

  async #layer(
    image: Image,
    mask: Image | undefined,
    { data, mask: maskName, suffix }: Naming,
    reference: Georeference | undefined,
    values: { readonly attrs: Attrs; readonly fill: Scalar | null },
    call?: IoCall,
  ): Promise<void> {
    const band = this.#bandDimension(image.samples, suffix);
    const dims = { x: `x${suffix}`, y: `y${suffix}`, band };
    this.#dimensions.set(dims.y, { size: image.height, unlimited: false });
    this.#dimensions.set(dims.x, { size: image.width, unlimited: false });
    const mapped = this.#grid(reference, { ...dims, mapping: `spatial_ref${suffix}` }, image);
    const withMapping = (attrs: Attrs): Attrs => (mapped === undefined ? attrs : new Map([...attrs, mapped]));
    const { attrs, fill } = values;
    const naming = { name: data, dims };
    this.#add(await openPixels(this.#source, image, naming, { attrs: withMapping(attrs), fill }, call));
    if (mask === undefined) return;
    const maskAttrs = withMapping(new Map([["mask_of", { dtype: "string", value: data }]]));
    const maskNaming = { name: maskName, dims };
    this.#add(await openPixels(this.#source, mask, maskNaming, { attrs: maskAttrs, fill: null }, call));
  }

  /** One dimension of bands for all images that have as many; its coordinate counts from 1, as GDAL does. */
  #bandDimension(samples: number, suffix: string): string {
    if (samples === 1) return "band";
    const known = this.#dimensions.get("band");
    const name = known === undefined || known.size === samples ? "band" : `band${suffix || `_${samples}`}`;
    if (this.#dimensions.has(name)) return name;
    this.#dimensions.set(name, { size: samples, unlimited: false });
    const numbers = (): BigInt64Array => BigInt64Array.from({ length: samples }, (_, i) => BigInt(i + 1));
    this.#add(computedVariable(name, [name], [samples], "int64", new Map(), numbers));
    return name;
  }

  /** Adds coordinates and grid mapping once per grid, and gives the attribute that names the mapping. */
  #grid(reference: Georeference | undefined, names: GridNames, image: Image): [string, Attr] | undefined {
    if (reference === undefined) return undefined;
    if (!this.#variables.has(names.mapping)) {
      for (const variable of gridVariables(reference, names, image.width, image.height)) this.#add(variable);
    }
    if (!this.#variables.has(names.mapping)) return undefined;
    return ["grid_mapping", { dtype: "string", value: names.mapping }];
  }

  #add(variable: Variable): void {
    this.#variables.set(variable.name, variable);
  }

  async #text(image: Image, tag: typeof Tag.GdalNodata, call?: IoCall): Promise<string | undefined> {
    const field = image.directory.fields.get(tag);
    return field === undefined || field.count > 1024 ? undefined : readText(this.#source, field, call);
  }

  async #colorMap(image: Image, call?: IoCall): Promise<readonly number[]> {
    const field = image.directory.fields.get(Tag.ColorMap);
    return field === undefined || field.count > 3 * MOST_COLOURS ? [] : readNumbers(this.#source, field, call);
  }
}
