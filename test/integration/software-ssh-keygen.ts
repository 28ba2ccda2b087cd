import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { armoured, SoftwareSshKey, type SshsigOverrides } from '@countersign/software-passkey';

/** Takes what ssh-keygen gets, and hands it to the token, which is in the process of the test. */
const PROGRAM = `#!/usr/bin/env node
const { connect } = require('node:net');
const { readFileSync } = require('node:fs');
const namespace = process.argv[process.argv.indexOf('-n') + 1];
const message = readFileSync(0).toString('base64');
const token = connect(__filename + '.socket', () => token.end(JSON.stringify({ namespace, message })));
token.pipe(process.stdout);
`;

/**
 * An ssh-keygen with a security key plugged in: no token is needed to check what a token signs, but one to sign. What
 * it writes is what ssh-keygen -Y verify accepts (test/conformance/sshsig.test.ts).
 */
export class SoftwareSshKeygen {
  readonly key: SoftwareSshKey = new SoftwareSshKey('sk-ssh-ed25519@openssh.com');
  /** To be the first in PATH. */
  readonly folder: string;
  readonly publicFile: string;
  readonly #server: Server;
  /** How the next signatures are made. */
  seen: SshsigOverrides = {};

  private constructor(folder: string) {
    this.folder = folder;
    this.publicFile = join(folder, 'token.pub');
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      let asked = '';
      socket.on('data', (chunk: Buffer) => (asked += chunk.toString()));
      socket.on('end', () => {
        const { namespace, message } = JSON.parse(asked) as Record<'namespace' | 'message', string>;
        const signed = this.key.sign(namespace, Buffer.from(message, 'base64'), this.seen);
        socket.end(armoured(signed));
      });
    });
  }

  static async plugIn(folder: string): Promise<SoftwareSshKeygen> {
    await mkdir(folder);
    const keygen = new SoftwareSshKeygen(folder);
    const program = join(folder, 'ssh-keygen');
    await writeFile(program, PROGRAM);
    await chmod(program, 0o755);
    await writeFile(keygen.publicFile, `${keygen.key.publicLine}\n`);
    await new Promise<void>((resolve) => {
      keygen.#server.listen(`${program}.socket`, resolve);
    });
    return keygen;
  }

  get path(): string {
    return `${this.folder}:${process.env['PATH'] ?? ''}`;
  }

  async unplug(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
