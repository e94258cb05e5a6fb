/** What `bz2` uses of a package that brings no types. */
declare module "seek-bzip" {
  const bunzip: {
    decode(input: Buffer, output: { writeByte(byte: number): void }, multistream: boolean): void;
  };
  export default bunzip;
}
