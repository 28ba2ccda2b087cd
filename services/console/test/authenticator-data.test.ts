import { SoftwarePasskey } from '@countersign/software-passkey';
import { describe, expect, it } from 'vitest';
import { ConsoleError, newCredential } from '@countersign/console';

function registered(backupEligible: boolean): { passkey: SoftwarePasskey; data: Uint8Array } {
  const passkey = SoftwarePasskey.create({
    algorithm: 'ES256',
    rpId: 'localhost',
    origin: 'http://localhost:7420',
    backupEligible,
  });
  const { authenticatorData } = passkey.register('AAAA').response;
  return { passkey, data: new Uint8Array(Buffer.from(authenticatorData, 'base64url')) };
}

function codeOf(data: Uint8Array): string | undefined {
  try {
    newCredential(data);
  } catch (error) {
    if (error instanceof ConsoleError) return error.code;
    throw error;
  }
  return undefined;
}

describe('what a new passkey says of itself', () => {
  it.each(['ES256', 'EdDSA', 'RS256'] as const)('finds id and key of %s', (algorithm) => {
    const passkey = SoftwarePasskey.create({
      algorithm,
      rpId: 'localhost',
      origin: 'http://localhost:7420',
    });
    const { authenticatorData } = passkey.register('AAAA').response;
    const found = newCredential(new Uint8Array(Buffer.from(authenticatorData, 'base64url')));
    expect(Buffer.from(found.credentialId).toString('base64url')).toBe(passkey.credentialId);
    expect(Buffer.from(found.publicKey)).toEqual(Buffer.from(passkey.cosePublicKey));
    expect(found.isBackupEligible).toBe(false);
  });

  it('tells whether it may be synced', () => {
    expect(newCredential(registered(true).data).isBackupEligible).toBe(true);
  });

  it('leaves the outputs of extensions out of the key', () => {
    const { passkey, data } = registered(false);
    // {"credProtect": 2}, as Chromium asks security keys for.
    const withExtensions = Uint8Array.from([...data, 0xa1, 0x6b, ...Buffer.from('credProtect'), 2]);
    expect(Buffer.from(newCredential(withExtensions).publicKey)).toEqual(
      Buffer.from(passkey.cosePublicKey),
    );
  });

  it('refuses data without a credential', () => {
    const { data } = registered(false);
    const bare = data.slice(0, 37);
    bare[32] = 0x05;
    expect(codeOf(bare)).toBe('PASSKEY_FORMAT');
  });

  it('refuses data that ends early, wherever', () => {
    const { data } = registered(false);
    for (let length = 0; length < data.length; length += 1) {
      expect(codeOf(data.slice(0, length))).toBe('PASSKEY_FORMAT');
    }
  });

  it('refuses a key that is no map of plain items', () => {
    const { data, passkey } = registered(false);
    const keyAt = data.length - passkey.cosePublicKey.length;
    const spoiled = data.slice();
    spoiled[keyAt] = 0xf6;
    expect(codeOf(spoiled)).toBe('PASSKEY_FORMAT');
  });
});
