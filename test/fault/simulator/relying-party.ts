import { createHash } from 'node:crypto';

/** Where everybody has their passkeys. */
export const RP_ID = 'localhost';
export const WEB_ORIGIN = 'http://localhost:7420';
export const RP_ID_HASH: Buffer = createHash('sha256').update(RP_ID).digest();
