import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseClusterConfig } from '../src/cluster-config.ts';
import { buildProgram } from '../src/program.ts';
import type { CliContext } from '../src/context.ts';

const DEPLOY = new URL('../../../deploy/', import.meta.url);

interface Service {
  readonly build?: { readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>>;
}

async function text(name: string): Promise<string> {
  return readFile(new URL(name, DEPLOY), 'utf8');
}

async function services(): Promise<Readonly<Record<string, Service>>> {
  const file = parse(await text('compose.yaml'), { merge: true }) as {
    services: Record<string, Service>;
  };
  return file.services;
}

/** Enough of a context to say which commands there are. */
const program = await buildProgram([], {
  context: { command: 'countersign', version: '0' } as CliContext,
  end: () => undefined,
  misused: () => undefined,
});

/** The options of the command that these words begin with. */
function optionsOf(words: readonly string[]): Set<string> {
  let command = program;
  for (const word of words) {
    const sub = command.commands.find((each) => each.name() === word);
    if (sub === undefined) break;
    command = sub;
  }
  expect(command).not.toBe(program);
  return new Set(command.options.map(({ long }) => long ?? ''));
}

describe('deploy/compose.yaml', () => {
  it('gives each service of ours a command that there is, with options that it has', async () => {
    const ours = Object.entries(await services()).filter(([, each]) => each.build !== undefined);
    expect(ours.map(([name]) => name)).toEqual([
      'topics',
      'init',
      'ledger-1',
      'ledger-2',
      'projector-1',
      'projector-2',
      'gateway-1',
    ]);
    for (const [, { command = [] }] of ours) {
      const known = optionsOf(command);
      const given = command.filter((word) => word.startsWith('--'));
      expect(given.filter((option) => !known.has(option))).toEqual([]);
    }
  });

  it('lets nothing wait for what is not there', async () => {
    const all = await services();
    for (const { depends_on: waits = {} } of Object.values(all)) {
      expect(Object.keys(waits).filter((name) => !(name in all))).toEqual([]);
    }
  });

  it('has a cluster.json that is one, whose hosts are services', async () => {
    const { kafka, kms, postgres } = parseClusterConfig(
      await text('compose/cluster.json'),
      'cluster.json',
    );
    const hosts = [...kafka.brokers.map((each) => `kafka://${each}`), kms.endpoint, postgres.url];
    const names = hosts.map((each) => new URL(each ?? '').hostname);
    expect(names).toEqual(['kafka', 'kms', 'postgres']);
    expect(Object.keys(await services())).toEqual(expect.arrayContaining(names));
  });
});
