import { createHmac } from 'node:crypto';

/**
 * The salt of the digest that ties a person to a subject of an issuer (schemas/formats/authority.md §10). It follows from a key,
 * so that every gateway of the ledger comes to the same one and nothing has to be kept; without the key nobody can try subjects.
 */
export function subjectSalt(
  key: Uint8Array,
  { issuer, person }: { readonly issuer: string; readonly person: string },
): string {
  return createHmac('sha256', key)
    .update(`countersign/subject-salt/v1\n${person}\n${issuer}`)
    .digest('base64url');
}
