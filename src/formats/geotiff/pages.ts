import { sameDType } from "../../core/dtype.ts";
import type { Image } from "./image.ts";

/** An image of full resolution with what belongs to it. */
export interface Page {
  readonly image: Image;
  /** Reduced copies, finest first. */
  readonly overviews: readonly Layer[];
  readonly mask?: Image;
}

export interface Layer {
  readonly image: Image;
  readonly mask?: Image;
}

/**
 * Sorts the images of a file by NewSubfileType (TIFF 6.0 section 8): pages, reduced copies of the page before them,
 * and masks, which belong to what has their size. A reduced image of other samples (a preview) is a page of its own.
 */
export function sortPages(images: readonly Image[]): Page[] {
  const masks = images.filter((image, i) => image.mask && i > 0);
  const takeMask = ({ width, height }: Image): { mask?: Image } => {
    const at = masks.findIndex((mask) => mask.width === width && mask.height === height);
    return at < 0 ? {} : { mask: masks.splice(at, 1)[0]! };
  };
  const groups: { image: Image; overviews: Image[] }[] = [];
  images.forEach((image, i) => {
    if (image.mask && i > 0) return;
    const page = groups.at(-1);
    if (page !== undefined && image.reduced && isReduction(page.image, image)) page.overviews.push(image);
    else groups.push({ image, overviews: [] });
  });
  const pages = groups.map(({ image, overviews }): Page => {
    const sorted = overviews.sort((a, b) => b.width - a.width);
    return {
      image,
      ...takeMask(image),
      overviews: sorted.map((overview) => ({ image: overview, ...takeMask(overview) })),
    };
  });
  return [...pages, ...masks.map((image) => ({ image, overviews: [] }))];
}

function isReduction(page: Image, image: Image): boolean {
  return (
    image.samples === page.samples &&
    sameDType(image.dtype, page.dtype) &&
    image.width <= page.width &&
    image.height <= page.height
  );
}
