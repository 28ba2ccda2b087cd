import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MemoryBroker } from '@countersign/broker';
import { describe, expect, it } from 'vitest';
import { printBanner, readyFacts } from '../src/banner.ts';
import { backendsOf } from '../src/data-backends.ts';
import { dataFolder } from '../src/data-folder.ts';
import { newInvitationLink, newMark } from '../src/founding.ts';
import type { OpenData } from '../src/open-data.ts';
import { Output } from '../src/output.ts';
import { scratchFolder } from './scratch-folder.ts';

async function openedData(): Promise<{ data: OpenData; link: string }> {
  const folder = dataFolder(join(await scratchFolder(), 'ledger'));
  const choice = { url: 'http://localhost:7420', demo: false, separation: 'solo' } as const;
  const founded = { tenant: 'default', shard: 0, origin: undefined, rpId: undefined } as const;
  const mark = newMark({ ...choice, ...founded, cluster: undefined }, Date.now());
  const link = newInvitationLink(mark, mark.founder);
  await mkdir(folder.path);
  await writeFile(folder.enrolmentLink, `${link}\n`);
  const data: OpenData = {
    folder,
    mark,
    backends: await backendsOf(folder, mark, { env: {}, nowMs: Date.now }),
    broker: new MemoryBroker({ clock: () => 0 }),
    signers: [{ name: mark.origin, vkey: 'key', sign: (message) => Promise.resolve(message) }],
    logKeys: ['key'],
    trust: {
      origin: mark.origin,
      logKeys: [],
      genesis: `sha256:${'0'.repeat(64)}`,
      accept: { proofClasses: ['uv'], separation: ['solo'], demo: false },
    },
    isNew: true,
  };
  return { data, link };
}

async function banner(data: OpenData, isTty: boolean, cwd = '/elsewhere'): Promise<string> {
  let printed = '';
  const write = (text: string): void => {
    printed += text;
  };
  await printBanner(data, { cwd, command: './countersign', stdout: new Output({ isTty, write }) });
  return printed;
}

describe('the banner', () => {
  it('shows the enrolment link to a terminal, and to nothing else', async () => {
    const { data, link } = await openedData();
    expect(await banner(data, true)).toContain(link);
    expect(await banner(data, false)).not.toContain('#i=');
    expect(await banner(data, false)).toContain(data.folder.enrolmentLink);
    expect(JSON.stringify(readyFacts(data))).not.toContain('#i=');
  });

  it('names commands that can be typed where it was started', async () => {
    const { data } = await openedData();
    const folder = dataFolder('/home/founder/countersign-data');
    const moved = { ...data, folder };
    expect(await banner(moved, false, '/home/founder')).toContain(
      './countersign verify evidence.json --trust countersign-data/trust.json',
    );
    expect(await banner(moved, false)).toContain(`./countersign exec --data ${folder.path} `);
  });
});
