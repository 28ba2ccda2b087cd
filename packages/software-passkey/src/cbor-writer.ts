/** Just enough CBOR to write COSE keys and attestation objects: what goes in is ours, so nothing is refused here. */
export type CborWritable =
  number | string | Uint8Array | ReadonlyMap<number | string, CborWritable>;

export function writeCbor(value: CborWritable): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string')
    return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  const members = [...value].flatMap(([name, member]) => [writeCbor(name), writeCbor(member)]);
  return Buffer.concat([head(5, value.size), ...members]);
}

function head(major: number, argument: number): Buffer {
  const type = major << 5;
  if (argument < 24) return Buffer.of(type | argument);
  if (argument < 0x100) return Buffer.of(type | 24, argument);
  return Buffer.of(type | 25, argument >> 8, argument & 0xff);
}
