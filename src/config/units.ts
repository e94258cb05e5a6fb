import { z } from "zod";

/** A number of bytes, or text with a unit. */
export const bytes = z
  .union([z.int().positive(), z.string().regex(/^\d+(\.\d+)?\s*([kMGT]i?)?B?$/)])
  .transform((value) => (typeof value === "number" ? value : parseBytes(value)))
  .describe("a number of bytes, or text like 256MiB");

const DURATION =
  /^P(?=[\dT])(?:(?<days>\d+(?:\.\d+)?)D)?(?:T(?=\d)(?:(?<hours>\d+(?:\.\d+)?)H)?(?:(?<minutes>\d+(?:\.\d+)?)M)?(?:(?<seconds>\d+(?:\.\d+)?)S)?)?$/;

/** A length of time, as milliseconds: an ISO 8601 duration of days and smaller, or a number of seconds. */
export const duration = z
  .union([z.number().positive(), z.string().max(50).regex(DURATION, "is no duration like PT12H")])
  .transform((value) => Math.round(1000 * (typeof value === "number" ? value : secondsOf(value))))
  .describe("seconds, or an ISO 8601 duration like PT12H");

function parseBytes(text: string): number {
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?)\s*([kMGT]i?)?B?$/.exec(text)!;
  const power = ["", "k", "M", "G", "T"].indexOf(unit[0] ?? "");
  return Math.round(Number(digits) * (unit.endsWith("i") ? 1024 : 1000) ** power);
}

function secondsOf(text: string): number {
  const { days = 0, hours = 0, minutes = 0, seconds = 0 } = DURATION.exec(text)!.groups!;
  return 86_400 * Number(days) + 3600 * Number(hours) + 60 * Number(minutes) + Number(seconds);
}
