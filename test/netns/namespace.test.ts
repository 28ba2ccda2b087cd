import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NamespaceConnector, type HostParams } from '@countersign/connectors';
import { connectorContract, type ConnectorStage } from '@countersign/connectors/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { told, type Approved, type GuardedCase } from '../support/guarded-case.ts';
import { guardedCase } from '../support/guarded-case-contract.ts';
import { containmentAsked, INCIDENT, notesOf, openIncident } from '../support/incident.ts';

const USE = { useId: '01M83G8PGDVFCDVZ5H41H6NGY8', shortId: 'cs-5H41H6NGY8' };
const PLANT = `cs-plant-${process.pid}`;
const OUTSIDE = `cs-outside-${process.pid}`;

let folder: string;

function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8' });
}

/** Two namespaces with one cable between them. */
function cable(): void {
  ip('netns', 'add', PLANT);
  ip('netns', 'add', OUTSIDE);
  ip('-n', PLANT, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1', 'netns', OUTSIDE);
  ip('-n', PLANT, 'address', 'add', '10.77.0.2/24', 'dev', 'eth0');
  ip('-n', PLANT, '-6', 'address', 'add', 'fd77::2/64', 'dev', 'eth0', 'nodad');
  ip('-n', OUTSIDE, 'address', 'add', '10.77.0.1/24', 'dev', 'eth1');
  ip('-n', PLANT, 'link', 'set', 'dev', 'lo', 'up');
  ip('-n', PLANT, 'link', 'set', 'dev', 'eth0', 'up');
  ip('-n', OUTSIDE, 'link', 'set', 'dev', 'eth1', 'up');
  ip('-n', PLANT, 'route', 'add', 'default', 'via', '10.77.0.1');
}

function cut(): void {
  for (const name of [PLANT, OUTSIDE]) spawnSync('ip', ['netns', 'del', name]);
}

async function found(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'countersign-netns-'));
  await openIncident(join(folder, 'incidents'));
  cable();
}

async function close(): Promise<void> {
  cut();
  await rm(folder, { recursive: true, force: true });
}

/** Others of the same names. The kernel gives out the lowest number that is free, once it has got those before back. */
async function cableAgain(): Promise<void> {
  cut();
  await sleep(1_000);
  cable();
}

/** What is approved for a namespace that is gone since, and whose name and number another one has got. */
async function approvedForAnother(of: GuardedCase<HostParams>): Promise<Approved> {
  // Whoever else makes namespaces on this machine meanwhile may have got the number: then once more, for a new one.
  for (let tries = 0; tries < 20; tries += 1) {
    await cableAgain();
    const number = inodeOf(PLANT);
    const approved = await of.approved(params());
    await cableAgain();
    if (inodeOf(PLANT) === number) return approved;
  }
  throw new Error('expected the number of a namespace to be given out again, 20 times');
}

function inodeOf(name: string): number {
  return statSync(`/run/netns/${name}`).ino;
}

/** Whether a knock at a closed door is answered: refused, and not lost. */
function isReached(): boolean {
  const knock = ['timeout', '1', 'bash', '-c', '< /dev/tcp/10.77.0.2/9'];
  const { stderr } = spawnSync('ip', ['netns', 'exec', OUTSIDE, ...knock], { encoding: 'utf8' });
  return stderr.includes('refused');
}

function connector(): NamespaceConnector {
  return new NamespaceConnector({
    incidents: join(folder, 'incidents'),
    journal: join(folder, 'journal'),
  });
}

function params(changes: Partial<HostParams['target']> = {}): HostParams {
  return {
    incident: INCIDENT,
    action: 'isolate-host',
    target: {
      kind: 'host',
      machine_id: readFileSync('/etc/machine-id', 'utf8').trim(),
      boot_id: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      netns_inode: inodeOf(PLANT),
      display: PLANT,
      ...changes,
    },
    evidence: [],
  };
}

function network(): string {
  return [
    ip('-n', PLANT, '-brief', 'address', 'show').replaceAll(/fe80\S*/g, ''),
    ip('-n', PLANT, '-4', 'route', 'show'),
    ip('-n', PLANT, '-6', 'route', 'show').replaceAll(/fe80.*/g, ''),
  ].join('\n');
}

function isUp(): boolean {
  return ip('-n', PLANT, 'link', 'show', 'eth0').includes(',UP');
}

async function open(): Promise<ConnectorStage<HostParams>> {
  await found();
  return {
    connector: connector(),
    params: params(),
    others: { ...params(), action: 'release-host' },
    restarted: connector,
    moveTarget: () => {
      ip('-n', PLANT, 'link', 'add', 'eth9', 'type', 'veth', 'peer', 'name', 'eth10');
      return Promise.resolve();
    },
    targetState: () => Promise.resolve(network()),
    effects: () => Promise.resolve(isUp() ? 0 : 1),
    targetRecord: () => Promise.resolve(ip('-n', PLANT, 'link', 'show')),
    cutOff: () => {
      ip('netns', 'del', PLANT);
      return Promise.resolve();
    },
  };
}

connectorContract('network namespaces of Linux', { open, close, hasNoAnswers: true });

const PATH = process.env['PATH'] ?? '';

/** An `ip` that cuts a link and then does not come back. */
async function silence(): Promise<void> {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const real = execFileSync('which', ['ip'], { encoding: 'utf8' }).trim();
  const script = `#!/bin/sh\n${real} "$@" || exit\ncase "$*" in *down) exec sleep 60;; esac\n`;
  await writeFile(join(bin, 'ip'), script, { mode: 0o755 });
  process.env['PATH'] = `${bin}:${PATH}`;
}

guardedCase('a network namespace of Linux', {
  type: 'response.contain',
  open,
  close: async () => {
    process.env['PATH'] = PATH;
    await close();
  },
  asked: containmentAsked,
  silence,
  feared: [
    {
      name: 'A07: does not act on an incident that was changed after it was looked at',
      answer: 'refused PRECONDITION_STALE',
      attempt: async (of) => {
        const approved = await of.approved();
        await openIncident(join(folder, 'incidents'), 'Drill, nothing to be done');
        return told(await of.run(approved));
      },
    },
    {
      name: 'A10: does not cut another namespace that has got the name and the number',
      answer: 'refused PRECONDITION_STALE',
      attempt: async (of) => told(await of.run(await approvedForAnother(of))),
    },
  ],
});

describe('a network namespace', () => {
  beforeEach(found);
  afterEach(close);

  async function savedFiles(): Promise<string[]> {
    return (await readdir(join(folder, 'journal'))).filter((name) => name.endsWith('.network'));
  }

  async function contain(what: HostParams, use = USE): ReturnType<NamespaceConnector['execute']> {
    const preconditions = await connector().preconditions(what);
    const idempotencyKey = use.useId.padEnd(64, '0');
    return connector().execute({ ...use, params: what, preconditions, idempotencyKey });
  }

  it('is cut off from outside, and reached again when it is let back, with its routes', async () => {
    const before = network();
    expect(isReached()).toBe(true);
    expect(await contain(params())).toMatchObject({ result: 'succeeded' });
    expect(isReached()).toBe(false);
    expect(ip('-n', PLANT, 'route', 'show')).toBe('');
    const release = { useId: '01M83G8PGDVFCDVZ5H41H6NGYA', shortId: 'cs-5H41H6NGYA' };
    const effect = await contain({ ...params(), action: 'release-host' }, release);
    expect(effect).toMatchObject({ result: 'succeeded' });
    expect(isReached()).toBe(true);
    expect(network()).toBe(before);
    expect(Object.keys(await notesOf(join(folder, 'incidents')))).toHaveLength(2);
    expect(await savedFiles()).toEqual([]);
  });

  it.each<[string, Partial<HostParams['target']>, string]>([
    ['another machine', { machine_id: '0'.repeat(32) }, 'TARGET_UNKNOWN'],
    ['an earlier start', { boot_id: '3b1a5c7e-9d2f-4a61-8c3e-5f7091b2d3e4' }, 'TARGET_UNKNOWN'],
    ['another namespace', { netns_inode: 1 }, 'TARGET_UNKNOWN'],
    ['another name', { display: 'plant-8' }, 'PRECONDITION_STALE'],
  ])('is not cut for %s', async (_, changes, code) => {
    const use = { ...USE, params: params(changes), preconditions: {} };
    expect(await connector().execute({ ...use, idempotencyKey: 'ab'.repeat(32) })).toMatchObject({
      result: 'failed',
      code,
    });
    expect(isReached()).toBe(true);
  });

  it('is not let back to what somebody wrote into what was saved', async () => {
    await contain(params());
    const [name = ''] = await savedFiles();
    const file = join(folder, 'journal', name);
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('"up":["eth0"]', '"up":["eth0","eth1"]'));
    const release = { useId: '01M83G8PGDVFCDVZ5H41H6NGYA', shortId: 'cs-5H41H6NGYA' };
    const changed = await contain({ ...params(), action: 'release-host' }, release);
    expect(changed).toMatchObject({ result: 'failed', code: 'RECORD_FORMAT' });
    expect(isReached()).toBe(false);
    // It stays, for whoever finds out what it was.
    expect(await savedFiles()).toEqual([name]);
    await writeFile(file, text);
    const later = { useId: '01M83G8PGDVFCDVZ5H41H6NGYB', shortId: 'cs-5H41H6NGYB' };
    const effect = await contain({ ...params(), action: 'release-host' }, later);
    expect([effect.result, isReached()]).toEqual(['succeeded', true]);
  });

  it('is not let back where nobody has cut it', async () => {
    expect(await contain({ ...params(), action: 'release-host' })).toMatchObject({
      code: 'TARGET_UNKNOWN',
    });
  });
});
