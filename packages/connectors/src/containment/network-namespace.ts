import { execFile, spawn } from 'node:child_process';
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { ConnectorError } from '../connector-error.ts';
import type { HostTarget } from './contain-params.ts';

const run = promisify(execFile);
const NAMES = '/run/netns';
const TIMEOUT_MS = 10_000;
const ALREADY_THERE = /File exists|already assigned/;
const OUTPUT_MAX = 4 * 1024 * 1024;

export interface Link {
  readonly name: string;
  readonly isUp: boolean;
  /** Its number in the namespace, and its hardware address where it has one: another link of the name has others. */
  readonly index: number;
  readonly address: string;
  /** What the kernel keeps as a note on it. */
  readonly alias: string;
}

/** What is lost when links go down: kept as `ip` saves it. */
export interface SavedNetwork {
  readonly up: readonly string[];
  /** base64 */
  readonly routes4: string;
  readonly routes6: string;
  readonly addresses6: string;
}

/** One network namespace of this machine, by its name under /run/netns. Needs the rights of `ip netns`. */
export class NetworkNamespace {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** @throws {ConnectorError} TARGET_UNKNOWN for another machine, another start of it, or a namespace that is not there */
  static async find(target: HostTarget): Promise<NetworkNamespace> {
    const [machine, boot] = await Promise.all([
      readFile('/etc/machine-id', 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    if (machine.trim() !== target.machine_id || boot.trim() !== target.boot_id) {
      throw new ConnectorError('TARGET_UNKNOWN', 'expected this machine, as it was started');
    }
    for (const name of await readdir(NAMES).catch(() => [])) {
      const { ino } = await stat(`${NAMES}/${name}`);
      if (ino === target.netns_inode) return new NetworkNamespace(name);
    }
    throw new ConnectorError('TARGET_UNKNOWN', 'expected a network namespace with a name');
  }

  /** All but the loopback, which leads nowhere else. */
  async links(): Promise<readonly Link[]> {
    const { stdout } = await this.#ip('-json', 'link', 'show');
    const links = JSON.parse(stdout) as {
      ifname: string;
      ifindex: number;
      flags: string[];
      address?: string;
      ifalias?: string;
    }[];
    return links
      .filter(({ flags }) => !flags.includes('LOOPBACK'))
      .map(({ ifname, ifindex, flags, address = '', ifalias = '' }) => ({
        name: ifname,
        isUp: flags.includes('UP'),
        index: ifindex,
        address,
        alias: ifalias,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async save(): Promise<SavedNetwork> {
    const links = await this.links();
    return {
      up: links.filter(({ isUp }) => isUp).map(({ name }) => name),
      routes4: await this.#dump('-4', 'route', 'save'),
      routes6: await this.#dump('-6', 'route', 'save'),
      addresses6: await this.#dump('-6', 'address', 'save'),
    };
  }

  async cut(name: string): Promise<void> {
    await this.#ip('link', 'set', 'dev', name, 'down');
  }

  /** Links first: the kernel takes no route over one that is down. */
  async restore(saved: SavedNetwork): Promise<void> {
    for (const name of saved.up) await this.#ip('link', 'set', 'dev', name, 'up');
    await this.#load(saved.addresses6, '-6', 'address', 'restore');
    await this.#load(saved.routes4, '-4', 'route', 'restore');
    await this.#load(saved.routes6, '-6', 'route', 'restore');
  }

  async note(name: string, alias: string): Promise<void> {
    await this.#ip('link', 'set', 'dev', name, 'alias', alias);
  }

  #ip(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
    return run('ip', ['-netns', this.name, ...args], {
      timeout: TIMEOUT_MS,
      maxBuffer: OUTPUT_MAX,
    });
  }

  async #dump(...args: readonly string[]): Promise<string> {
    const options = { timeout: TIMEOUT_MS, maxBuffer: OUTPUT_MAX, encoding: 'buffer' as const };
    const { stdout } = await run('ip', ['-netns', this.name, ...args], options);
    return stdout.toString('base64');
  }

  /** From a file, in which `ip` goes back and forth: a pipe would restore nothing. */
  async #load(dump: string, ...args: readonly string[]): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'countersign-netns-'));
    const path = join(folder, 'dump');
    await writeFile(path, dump, 'base64');
    const file = await open(path);
    try {
      const child = spawn('ip', ['-netns', this.name, ...args], {
        stdio: [file.fd, 'ignore', 'pipe'],
        timeout: TIMEOUT_MS,
      });
      const said = child.stderr === null ? '' : await text(child.stderr);
      // The kernel makes some routes by itself when a link goes up: they are there already.
      const wrong = said.split('\n').filter((line) => line !== '' && !ALREADY_THERE.test(line));
      if (wrong.length > 0) throw new Error('expected ip to restore what it had saved');
    } finally {
      await file.close();
      await rm(folder, { recursive: true });
    }
  }
}
