import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  approve,
  countersign,
  type CliLedger,
  type CliProcess,
  type Ended,
} from './cli-process.ts';
import { ledgersOfTests } from './ledgers-of-tests.ts';

const { start } = ledgersOfTests();

const POLICY = fileURLToPath(
  new URL('../../docs/examples/policy-with-batches.json', import.meta.url),
);

/** A ledger where batches are allowed, commands that were approved as one, and what has run of them. */
class CommandBatch {
  readonly ledger: CliLedger;
  readonly id: string;

  private constructor(ledger: CliLedger, id: string) {
    this.ledger = ledger;
    this.id = id;
  }

  /** @param scripts of a shell, each of which leaves its first word in a file before anything else */
  static async approved(
    order: 'any' | 'listed',
    scripts: readonly string[],
  ): Promise<CommandBatch> {
    const ledger = await start();
    const person = await ledger.founder();
    const ask = async (file: string, ...more: string[]): Promise<string> => {
      const asked = await ledger.run('request', [file, ...more]).ended;
      expect([asked.exit, asked.stderr]).toEqual([0, '']);
      const [, id = ''] = /\/action\/([0-9A-Z]{26})/.exec(asked.stdout) ?? [];
      await approve(person, id);
      return id;
    };
    await ask(POLICY, '--key', join(ledger.data, 'keys', 'operator.key'), '--agent-id', 'operator');
    const items: object[] = [];
    for (const [index, script] of scripts.entries()) {
      const path = ledger.at(`step-${index + 1}.sh`);
      await writeFile(path, script, { mode: 0o755 });
      const described = await ledger.run('exec', ['--describe', '--', path]).ended;
      expect([described.exit, described.stderr]).toEqual([0, '']);
      items.push(JSON.parse(described.stdout) as object);
    }
    const file = ledger.at('batch.json');
    const batch = { type: 'batch.generic.command', params: { order, items } };
    await writeFile(file, JSON.stringify(batch));
    return new CommandBatch(ledger, await ask(file));
  }

  start(item: number, ...more: string[]): CliProcess {
    return this.ledger.run('exec', ['--batch', this.id, '--item', String(item), ...more]);
  }

  async exec(item: number, ...more: string[]): Promise<[Ended['exit'], string, string]> {
    const { exit, stdout, stderr } = await this.start(item, ...more).ended;
    return [exit, stdout, stderr];
  }

  /** Names of the steps that were started, in their order. */
  async ran(): Promise<string[]> {
    const isThere = (await readdir(this.ledger.folder)).includes('ran');
    return isThere ? (await readFile(this.ledger.at('ran'), 'utf8')).trim().split('\n') : [];
  }
}

function step(name: string, more = ''): string {
  return `#!/bin/sh\necho ${name} >> ran\necho "${name} as $COUNTERSIGN_USE"\n${more}\n`;
}

function says(text: string): unknown {
  return expect.stringContaining(text);
}

describe('exec of an item of a batch', () => {
  it('A12: runs each command of a batch once, in any order, and none that was not approved', async () => {
    const batch = await CommandBatch.approved('any', [step('one'), step('two', 'exit 4')]);
    expect(await batch.exec(2)).toEqual([
      10,
      expect.stringMatching(/^two as cs-[0-9A-Z]{10}\n$/),
      expect.stringMatching(/^countersign: the command ended with 4: cs-[0-9A-Z]{10}\n$/),
    ]);
    expect(await batch.exec(2)).toEqual([10, '', says('item 2 had ended before: failed')]);
    expect(await batch.exec(3)).toEqual([1, '', says('NOT_IN_BATCH: ')]);
    expect(await batch.exec(1, '--', '/bin/sh', '-c', 'rm -r /srv')).toEqual([
      1,
      '',
      says('NOT_IN_BATCH: '),
    ]);
    const own = batch.ledger.at('step-1.sh');
    expect(await batch.exec(1, '--', own)).toEqual([0, says('one as cs-'), says('ended with 0')]);
    expect(await batch.ran()).toEqual(['two', 'one']);
    // What has run is told of no other command.
    expect(await batch.exec(1, '--', '/bin/rm', '-r', '/srv')).toEqual([
      1,
      '',
      says('NOT_IN_BATCH: '),
    ]);
    expect(await batch.exec(1, '--', own)).toEqual([0, '', says('had ended before: succeeded')]);
    const evidence = batch.ledger.at('evidence.json');
    expect((await batch.ledger.run('evidence', [batch.id, '-o', evidence]).ended).exit).toBe(0);
    const trust = join(batch.ledger.data, 'trust.json');
    const { stdout } = await countersign(['verify', evidence, '--trust', trust]);
    const used = [...stdout.matchAll(/^used .*\): (.*)$/gm)].map(([, words]) => words);
    expect(used).toEqual(['item 2', 'item 1']);
  });

  it('C16: does not run again what the ledger has a report of, though all but the claim was lost here', async () => {
    const batch = await CommandBatch.approved('any', [step('one'), step('two')]);
    const exec = join(batch.ledger.data, 'requests', 'exec');
    const lost = async (item: number): Promise<void> => {
      for (const part of ['start', 'report', 'sent']) {
        await rm(join(exec, 'runs', `${batch.id}.item-${item}.${part}.json`));
      }
      await rm(join(exec, 'salts'), { recursive: true });
    };
    expect((await batch.exec(1))[0]).toBe(0);
    await chmod(exec, 0o770);
    expect(await batch.exec(1)).toEqual([1, '', says('DATA_PERMISSIONS: ')]);
    await chmod(exec, 0o700);
    await lost(1);
    expect(await batch.exec(1)).toEqual([0, '', says('had ended before: succeeded')]);
    expect((await batch.exec(2))[0]).toBe(0);
    await lost(2);
    // With its last use the evidence is none to run by any more, and proves no end.
    expect(await batch.exec(2)).toEqual([3, '', says('whether item 2 ran is unknown')]);
    expect(await batch.ran()).toEqual(['one', 'two']);
  });

  it('A01: leaves an item open whose file was changed after it was approved, until it is as it was', async () => {
    const batch = await CommandBatch.approved('any', [step('one'), step('two')]);
    const path = batch.ledger.at('step-1.sh');
    await writeFile(path, step('another'));
    expect(await batch.exec(1)).toEqual([1, '', says('ACTION_DIGEST_MISMATCH: ')]);
    expect(await batch.ran()).toEqual([]);
    await writeFile(path, step('one'));
    expect((await batch.exec(1))[0]).toBe(0);
    expect(await batch.ran()).toEqual(['one']);
  });

  it('A16: runs the steps of a plan in their order, and none after one that failed', async () => {
    const plan = await CommandBatch.approved('listed', [
      step('one'),
      step('two', 'exit 1'),
      step('three'),
    ]);
    expect(await plan.exec(2)).toEqual([1, '', says('PLAN_ORDER: ')]);
    expect((await plan.exec(1))[0]).toBe(0);
    expect((await plan.exec(2))[0]).toBe(10);
    expect(await plan.exec(3)).toEqual([1, '', says('PLAN_ORDER: ')]);
    expect(await plan.ran()).toEqual(['one', 'two']);
  });

  it('C16: runs nothing of a plan after a step that was cut off, nor that step again', async () => {
    const plan = await CommandBatch.approved('listed', [
      step('one', 'until test -e go; do sleep 0.1; done'),
      step('two'),
    ]);
    const first = plan.start(1);
    await first.said(/one as/);
    expect(await plan.exec(1)).toEqual([3, '', says('RUN_BUSY: ')]);
    await first.signal('SIGKILL');
    expect(await plan.exec(2)).toEqual([
      1,
      '',
      expect.stringMatching(
        /OUTCOME_UNKNOWN: an earlier command was cut off: cs-[^]*OUTCOME_UNKNOWN: /,
      ),
    ]);
    expect(await plan.exec(1)).toEqual([
      3,
      '',
      says('OUTCOME_UNKNOWN: whether item 1 ran is unknown'),
    ]);
    expect(await plan.ran()).toEqual(['one']);
    await writeFile(plan.ledger.at('go'), '');
  });

  it('asks for the batch and the item alone, of a batch of commands', async () => {
    const ledger = await start();
    const id = '01JD3ZQ5Y0W9V8X7T6S5R4Q3P2';
    for (const args of [
      ['--batch', id],
      ['--item', '1'],
      ['--batch', 'x', '--item', '1'],
      ['--batch', id, '--item', '0'],
      ['--batch', id, '--item', '1', '--timeout', '5'],
      ['--batch', id, '--item', '1', '--env', 'PATH'],
      ['--describe', '--secret-env', 'TOKEN', '--', '/bin/true'],
    ]) {
      const { exit, stderr } = await ledger.run('exec', args).ended;
      expect([exit, stderr]).toEqual([2, says('USAGE: ')]);
    }
    const none = await ledger.run('exec', ['--batch', id, '--item', '1']).ended;
    expect([none.exit, none.stderr]).toEqual([1, says('NOT_FOUND: ')]);
    await ledger.founder();
    const { exec, id: single } = await ledger.ask(['--', '/bin/true']);
    await exec.signal('SIGINT');
    const alone = await ledger.run('exec', ['--batch', single, '--item', '1']).ended;
    expect(alone.exit).toBe(1);
  });
});
