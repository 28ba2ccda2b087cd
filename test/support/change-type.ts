import type { JsonObject } from '@countersign/canonical';

const TYPES: Readonly<Record<string, string>> = {
  'log-key-added': 'authority.logkey',
  'log-key-removed': 'authority.logkey',
  'home-moved': 'authority.home',
  'agent-sponsored': 'authority.sponsor',
  'deputy-named': 'authority.deputy',
  'deputy-revoked': 'authority.deputy',
  'issuer-enrolled': 'authority.issuer',
  'issuer-revoked': 'authority.issuer',
  'person-tied': 'authority.identity',
  reviewed: 'authority.review',
  frozen: 'authority.freeze',
  thawed: 'authority.thaw',
  'recovery-started': 'authority.recovery',
  'recovery-cancelled': 'authority.cancel',
  'ssh-key-enrolled': 'authority.sshkey',
};

/** The action type that a change of the authority belongs to: schemas/formats/authority.md §6. */
export function changeType({ kind }: JsonObject): string {
  return (typeof kind === 'string' ? TYPES[kind] : undefined) ?? 'authority.change';
}
