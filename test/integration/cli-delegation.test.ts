import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { approve, countersign, idOf, type CliLedger } from './cli-process.ts';
import { ledgersOfTests } from './ledgers-of-tests.ts';

const ISSUER = 'https://login.acme.example';
const EXAMPLE = fileURLToPath(
  new URL('../../examples/typescript/delegation-issuer.ts', import.meta.url),
);
const COMMAND = fileURLToPath(new URL('../../docs/examples/generic.command.json', import.meta.url));

const { start: started } = ledgersOfTests();

function issuer(...args: readonly string[]): Promise<unknown> {
  return promisify(execFile)(process.execPath, ['--import', 'tsx', EXAMPLE, ...args]);
}

/** A person of the ledger whom nobody has given a passkey yet. */
async function invited(ledger: CliLedger, founder: Parameters<typeof approve>[0]): Promise<string> {
  const enrol = ledger.run('enrol person', []);
  await approve(founder, await idOf(enrol));
  const [person = ''] = /prs_[0-9A-Z]{26}/.exec((await enrol.ended).stdout) ?? [];
  return person;
}

it('F07: an issuer is enrolled, and an agent asks on behalf of a person whom it names', async () => {
  const ledger = await started();
  const founder = await ledger.founder();
  const alice = await invited(ledger, founder);
  await issuer(ledger.folder, 'keys');
  const enrol = ledger.run('enrol issuer', [
    ...[ISSUER, '--jwks', ledger.at('jwks.json')],
    ...['--person', `alice@acme.example=${alice}`, '--services', 'svc:'],
  ]);
  await approve(founder, await idOf(enrol));
  expect(await enrol.ended).toMatchObject({ exit: 0 });
  const key = join(ledger.data, 'keys', 'agent.key');
  await issuer(ledger.folder, 'token', 'alice@acme.example', 'local-agent', key);
  const command = JSON.parse(await readFile(COMMAND, 'utf8')) as { params: object };
  const action = {
    ...command,
    params: { ...command.params, cwd: '/' },
    acting_for: [{ kind: 'person', sub: alice }],
  };
  await writeFile(ledger.at('action.json'), JSON.stringify(action));
  const chain = ['--delegation', ledger.at('chain.txt')];
  const asked = ledger.run('request', [ledger.at('action.json'), ...chain]);
  const id = await idOf(asked);
  await approve(founder, id);
  const file = ledger.at('evidence.json');
  expect(await ledger.run('evidence', [id, '-o', file]).ended).toMatchObject({ exit: 0 });
  const trust = join(ledger.data, 'trust.json');
  const verified = await countersign(['verify', file, '--trust', trust]);
  expect([verified.exit, verified.stdout]).toEqual([
    0,
    expect.stringMatching(/delegation +1 links, by issuers of the authority/),
  ]);
  // The same chain does not allow another folder.
  const elsewhere = { ...action, params: { ...action.params, cwd: '/tmp' } };
  await writeFile(ledger.at('action.json'), JSON.stringify(elsewhere));
  const { exit, stderr } = await ledger.run('request', [ledger.at('action.json'), ...chain]).ended;
  expect([exit, stderr]).toEqual([1, expect.stringContaining('DELEGATION_EXCEEDED')]);
});
