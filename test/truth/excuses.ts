/** A difference from the records that we stand by. Each has its line in `docs/support.md`, which is made from this list. */
export interface Excuse {
  /** File of the record, below the data folder; `*` stands for any text. */
  readonly record: string;
  /** Path of the difference; `*` stands for any text. */
  readonly path: string;
  readonly reason: string;
}

export const EXCUSES: readonly Excuse[] = [
  {
    record: "netcdf4/ubyte.nc",
    path: "variables/sb2/decoded*",
    reason:
      'a signed byte with `_Unsigned = "false"` is signed (NetCDF User\'s Guide); netCDF4-python 1.6.2 reads 129 for -127',
  },
];

export function excuseFor(record: string, path: string): Excuse | undefined {
  return EXCUSES.find((excuse) => matches(excuse.record, record) && matches(excuse.path, path));
}

function matches(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(text);
}
