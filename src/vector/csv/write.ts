import { writeWkt } from "../../core/wkt.ts";
import { ByteOutput } from "../byte-output.ts";
import type { Field, FieldValue, VectorWriter } from "../feature.ts";
import { dateText, fitted, textOf } from "../fields.ts";
import { distinctNames, freeName } from "../names.ts";

/** Comma-separated values (RFC 4180) in UTF-8: the attributes, and the geometry as Well-Known Text in the last column. */
export const csvWriter: VectorWriter = {
  name: "CSV",
  extension: ".csv",
  mediaType: "text/csv",
  async write(path, layer, call) {
    await using output = await ByteOutput.create(path);
    const { fields } = layer;
    await output.write(line([...distinctNames(fields), freeName("WKT", fields)]));
    let count = 0;
    for await (const { geometry, properties } of layer.features(call)) {
      const values = fields.map((field) => cellOf(properties.get(field.name), field));
      await output.write(line([...values, geometry === null ? "" : writeWkt(geometry)]));
      count++;
    }
    return { count, bytes: await output.end() };
  },
};

function cellOf(value: FieldValue | undefined, { type }: Field): string {
  const fit = fitted(value, type);
  return fit instanceof Date && type === "date" && !Number.isNaN(fit.getTime()) ? dateText(fit) : textOf(fit);
}

function line(cells: readonly string[]): string {
  return `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",")}\r\n`;
}
