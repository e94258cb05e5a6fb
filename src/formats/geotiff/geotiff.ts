import type { Attr, Attrs, Dataset, Dimension, IoCall, Scalar, Variable } from "../../core/array.ts";
import { Tag } from "../../core/tiff/tags.ts";
import { badSource, isGyreError } from "../../errors.ts";
import type { Format } from "../format.ts";
import { sourceVersion } from "../version.ts";
import { bandAttrs, parseNodata } from "./bands.ts";
import { readDirectories, readNumbers, readText } from "./directory.ts";
import { type Georeference, readGeoreference, reducedGeoreference, sameGeoreference } from "./georeference.ts";
import { computedVariable, gridVariables } from "./grid.ts";
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
      await this.#attempt(data, async () => {
        const own = await readGeoreference(source, page.image.directory, call);
        const sameSize = page.image.width === first.image.width && page.image.height === first.image.height;
        const shares = sameSize && (own === undefined || sameGeoreference(own, reference));
        const naming = { data, mask: `${data}_mask`, suffix: shares ? "" : `_${data}` };
        const pageItems = await readMetadata(source, page.image.directory, call);
        await this.#page(page, naming, pageItems, shares ? reference : own, call);
      });
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
      const read = async (): Promise<unknown> => images.push(await readImage(this.#source, directory, call));
      if (i === 0) await read();
      else await this.#attempt(`image ${i + 1}`, read);
    }
    return images;
  }

  async #attempt(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isGyreError(error, "BadSource")) throw error;
      this.#problems.push(`${what}: ${error.message}`);
    }
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
      await this.#attempt(names.data, () =>
        this.#layer(overview.image, overview.mask, names, reduced, { attrs: linked, fill }, call),
      );
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
    const dims = { x: `x${suffix}`, y: `y${suffix}`, band: this.#bandName(image.samples, suffix) };
    const mapping = `spatial_ref${suffix}`;
    const grid = reference === undefined ? [] : gridVariables(reference, { ...dims, mapping }, image);
    const link: [string, Attr][] = grid.some(({ name }) => name === mapping)
      ? [["grid_mapping", { dtype: "string", value: mapping }]]
      : [];
    const attrs = new Map([...values.attrs, ...link]);
    const pixels = await openPixels(this.#source, image, { name: data, dims }, { attrs, fill: values.fill }, call);
    const maskAttrs = new Map([["mask_of", { dtype: "string", value: data } satisfies Attr], ...link]);
    const maskPixels =
      mask === undefined
        ? []
        : [await openPixels(this.#source, mask, { name: maskName, dims }, { attrs: maskAttrs, fill: null }, call)];

    this.#dimensions.set(dims.y, { size: image.height, unlimited: false });
    this.#dimensions.set(dims.x, { size: image.width, unlimited: false });
    if (image.samples > 1) this.#addBands(dims.band, image.samples);
    for (const variable of [...grid, pixels, ...maskPixels]) this.#variables.set(variable.name, variable);
  }

  /** One dimension of bands for all images that have as many. */
  #bandName(samples: number, suffix: string): string {
    const known = this.#dimensions.get("band");
    return samples === 1 || known === undefined || known.size === samples ? "band" : `band${suffix || `_${samples}`}`;
  }

  /** The coordinate of bands counts from 1, as GDAL does. */
  #addBands(name: string, samples: number): void {
    this.#dimensions.set(name, { size: samples, unlimited: false });
    const numbers = (): BigInt64Array => BigInt64Array.from({ length: samples }, (_, i) => BigInt(i + 1));
    this.#variables.set(name, computedVariable(name, [name], [samples], "int64", new Map(), numbers));
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
