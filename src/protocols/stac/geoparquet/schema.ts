import type { SchemaElement } from "hyparquet-writer";
import type { Kind } from "./kind.ts";

/** The part of a Parquet schema that holds a value of a kind; everything may be null. */
export function schemaOf(name: string, kind: Kind): SchemaElement[] {
  const repetition_type = "OPTIONAL";
  switch (kind.type) {
    case "boolean":
      return [{ name, type: "BOOLEAN", repetition_type }];
    case "integer":
      return [{ name, type: "INT64", repetition_type }];
    case "number":
      return [{ name, type: "DOUBLE", repetition_type }];
    case "text":
      return [{ name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type }];
    case "json":
      return [{ name, type: "BYTE_ARRAY", converted_type: "JSON", repetition_type }];
    case "geometry":
      return [{ name, type: "BYTE_ARRAY", repetition_type }];
    case "time": {
      const logical_type = { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" } as const;
      return [{ name, type: "INT64", converted_type: "TIMESTAMP_MICROS", logical_type, repetition_type }];
    }
    case "list":
      return [
        { name, converted_type: "LIST", num_children: 1, repetition_type },
        { name: "list", num_children: 1, repetition_type: "REPEATED" },
        ...schemaOf("element", kind.of),
      ];
    case "struct":
      return [
        { name, num_children: kind.members.size, repetition_type },
        ...[...kind.members].flatMap(([member, of]) => schemaOf(member, of)),
      ];
  }
}
