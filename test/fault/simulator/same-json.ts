import { canonicalText, type Json } from '@countersign/canonical';

export function sameJson(a: object, b: object): boolean {
  return canonicalText(a as Json) === canonicalText(b as Json);
}
