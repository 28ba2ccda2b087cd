import { der } from '@countersign/software-passkey';
import type { Random } from '../../packages/tlog/test/mutation.ts';

/** A value of DER, taken apart as far as it holds others. */
interface DerNode {
  tag: Buffer;
  /** What stands before the parts: the unused bits of a bit string. */
  readonly prefix: Buffer;
  parts: DerNode[] | undefined;
  content: Buffer;
  /** Written instead of the right one. */
  length?: Buffer;
}

const CONSTRUCTED = 0x20;
const NONE = Buffer.alloc(0);

const TAGS = [
  ...['01', '02', '03', '04', '05', '06', '0c', '13', '17', '18', '30', '31', 'a0', 'a3', '80'],
  ...['81', '82', 'a1', 'a2', '24', '23', '00', '1f1f', '1f8100', '3f21'],
];
const PARTS = [
  ...['0500', '020101', '0101ff', '010100', '010101', '040178', '3000', '3100', '1f810000'],
  ...['1f210161', 'a3023000', '0603551d13', '0c0161'],
];
const CONTENTS = [
  ...['', '00', '01', 'ff', '0001', '0080', '80', '000001', '7fffffffffffffff'],
  ...['00ffffffffffffffff', '0704', '0204', '0207', '030600', '0004', '0804', 'ff04'],
  ...['01060000', '010001'],
];
const TIMES = [
  ...['260101000000Z', '490101000000Z', '500101000000Z', '000101000000Z', '991231235959Z'],
  ...['20260101000000Z', '00000101000000Z', '00010101000000Z', '99991231235959Z'],
  ...['20260229000000Z', '260230000000Z', '260101240000Z', '20261231235960Z', '20241301000000Z'],
  ...['20261122160000.0Z', '261122160000+0000', '2611221600Z', '00000229000000Z'],
  ...['19000229000000Z', '20000229000000Z', '260101000000Z\n', '260101 00000Z', '+60101000000Z'],
];

type Respelling = (node: DerNode, random: Random) => void;

const RESPELLINGS: readonly Respelling[] = [
  function retagged(node, random) {
    node.tag = Buffer.from(oneOf(TAGS, random), 'hex');
  },
  function lengthOtherwise(node, random) {
    const { length } = contentOf(node);
    const [low, high] = [length & 0xff, (length >> 8) & 0xff];
    const ways = [
      [0x81, low],
      [0x82, high, low],
      [0x83, 0, high, low],
      [0x80],
      [0x84, 0, 0, high, low],
    ];
    node.length = Buffer.from(oneOf(ways, random));
  },
  function partPutIn({ parts }, random) {
    parts?.splice(random(parts.length + 1), 0, nodeOf(Buffer.from(oneOf(PARTS, random), 'hex')));
  },
  function partTakenOut({ parts }, random) {
    parts?.splice(random(parts.length), 1);
  },
  function partTwice({ parts }, random) {
    const at = random(parts?.length ?? 0);
    const twice = parts?.[at];
    if (twice !== undefined) parts?.splice(at, 0, nodeOf(written(twice)));
  },
  function partsSwapped({ parts }, random) {
    if (parts === undefined || parts.length < 2) return;
    const [taken] = parts.splice(random(parts.length), 1);
    if (taken !== undefined) parts.splice(random(parts.length + 1), 0, taken);
  },
  function byteReplaced(node, random) {
    if (node.content.length === 0) return;
    node.content = Buffer.from(node.content);
    const byte = oneOf([0, 1, 2, 4, 6, 0x7f, 0x80, 0xff, random(256)], random);
    node.content[random(node.content.length)] = byte;
  },
  function contentReplaced(node, random) {
    if (node.parts === undefined) node.content = Buffer.from(oneOf(CONTENTS, random), 'hex');
  },
  function byteBehind(node, random) {
    node.content = Buffer.concat([node.content, Buffer.of(oneOf([0, 0x20, 0x5a, 0xff], random))]);
  },
  function byteBefore(node) {
    node.content = Buffer.concat([Buffer.of(0), node.content]);
  },
  function byteLess(node, random) {
    const at = random(node.content.length);
    node.content = Buffer.concat([node.content.subarray(0, at), node.content.subarray(at + 1)]);
  },
  function anotherTime(node, random) {
    if (node.tag[0] !== 0x17 && node.tag[0] !== 0x18) return;
    node.tag = Buffer.of(oneOf([0x17, 0x18], random));
    node.content = Buffer.from(oneOf(TIMES, random));
  },
];

/**
 * What a certificate signs, written in another way: DER that a parser may read as it likes, with a signature over it that is right.
 * Flipped bits without a new signature never come as far.
 *
 * @param parts of RFC 5280 §4.1, each in DER
 */
export function respelt(
  parts: readonly Buffer[],
  random: Random,
): { readonly how: string; readonly parts: readonly Buffer[] } {
  const before = Buffer.concat(parts);
  for (;;) {
    const top: DerNode = { tag: NONE, prefix: NONE, parts: parts.map(nodeOf), content: NONE };
    // Half of them in the last part: extensions say the most, and can be written in the most ways.
    const within = random(2) === 0 ? top : (top.parts?.at(-1) ?? top);
    const respelling = oneOf(RESPELLINGS, random);
    respelling(oneOf(nodesIn(within), random), random);
    const after = (top.parts ?? []).map(written);
    if (!Buffer.concat(after).equals(before)) return { how: respelling.name, parts: after };
  }
}

function oneOf<T>(of: readonly T[], random: Random): T {
  const one = of[random(of.length)];
  if (one === undefined) throw new Error('expected one to choose');
  return one;
}

function nodesIn(node: DerNode): readonly DerNode[] {
  return [node, ...(node.parts ?? []).flatMap(nodesIn)];
}

function written(node: DerNode): Buffer {
  const content = contentOf(node);
  const right = der(0, content);
  const length = node.length ?? right.subarray(1, right.length - content.length);
  return Buffer.concat([node.tag, length, content]);
}

function contentOf({ prefix, parts, content }: DerNode): Buffer {
  return parts === undefined ? content : Buffer.concat([prefix, ...parts.map(written), content]);
}

function nodeOf(whole: Buffer): DerNode {
  const [node] = nodesOf(whole) ?? [];
  return node ?? { tag: NONE, prefix: NONE, parts: undefined, content: whole, length: NONE };
}

/** Undefined for what is no row of values of DER with tags of one byte. */
function nodesOf(bytes: Buffer): DerNode[] | undefined {
  const nodes: DerNode[] = [];
  for (let at = 0; at < bytes.length;) {
    const [tag = 0, first = 0] = bytes.subarray(at);
    const more = first < 0x80 ? 0 : first & 0x7f;
    if (more > 2 || (tag & 0x1f) === 0x1f || at + 2 + more > bytes.length) return undefined;
    const length = more === 0 ? first : bytes.readUIntBE(at + 2, more);
    const start = at + 2 + more;
    at = start + length;
    if (at > bytes.length) return undefined;
    nodes.push(nodeWith(tag, bytes.subarray(start, at)));
  }
  return nodes;
}

/** Extensions hold DER in an octet string, and a key of RSA in a bit string. */
function nodeWith(tag: number, content: Buffer): DerNode {
  const isBits = tag === 0x03 && content[0] === 0;
  const holds = (tag & CONSTRUCTED) !== 0 || tag === 0x04 || isBits;
  const prefix = isBits ? content.subarray(0, 1) : NONE;
  const parts = holds ? nodesOf(content.subarray(prefix.length)) : undefined;
  return parts === undefined
    ? { tag: Buffer.of(tag), prefix: NONE, parts: undefined, content }
    : { tag: Buffer.of(tag), prefix, parts, content: NONE };
}
