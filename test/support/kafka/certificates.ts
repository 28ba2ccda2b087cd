import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runOnce } from './kafka-jars.ts';

const DAYS = '2';

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** An authority of the tests, with what it has signed, in a folder. */
export class CertificateAuthority {
  readonly caFile: string;
  readonly #caKey: string;
  readonly #folder: string;

  private constructor(folder: string, name: string) {
    this.#folder = folder;
    this.caFile = path.join(folder, `${name}.pem`);
    this.#caKey = path.join(folder, `${name}.key`);
  }

  static create(folder: string, name = 'authority'): CertificateAuthority {
    const authority = new CertificateAuthority(folder, name);
    openssl(`/CN=${name}`, authority.#caKey, [
      ...['-out', authority.caFile, '-addext', 'basicConstraints=critical,CA:TRUE'],
    ]);
    return authority;
  }

  /** For 127.0.0.1, where it is a server's. */
  issue(name: string): Certificate {
    const certFile = path.join(this.#folder, `${name}.pem`);
    const keyFile = path.join(this.#folder, `${name}.key`);
    openssl(`/CN=${name}`, keyFile, [
      ...['-out', certFile, '-CA', this.caFile, '-CAkey', this.#caKey],
      ...['-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=CA:FALSE'],
    ]);
    return { certFile, keyFile };
  }

  /** Certificate and key in one file, as a broker wants them. */
  async issueTogether(name: string): Promise<string> {
    const { certFile, keyFile } = this.issue(name);
    const file = path.join(this.#folder, `${name}.both.pem`);
    await writeFile(file, (await readFile(keyFile, 'utf8')) + (await readFile(certFile, 'utf8')));
    return file;
  }
}

function openssl(subject: string, keyFile: string, more: readonly string[]): void {
  runOnce('openssl', [
    ...['req', '-x509', '-nodes', '-days', DAYS, '-subj', subject],
    ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', keyFile, ...more],
  ]);
}
