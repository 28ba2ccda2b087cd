import { readFile, stat, writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { approve, CliLedger, type Ended } from './cli-process.ts';
import { freePort } from '../support/free-port.ts';
import { MeddlingProxy, type Meddler } from '../support/meddling-proxy.ts';

let ledger: CliLedger | undefined;
let proxy: MeddlingProxy | undefined;

afterEach(async () => {
  await ledger?.discard();
  ledger = undefined;
  await proxy?.close();
  proxy = undefined;
});

/** A ledger behind a network of this test, and one command that a person has approved and that has not run. */
async function approved(
  command: (folder: string) => Promise<readonly string[]> = (folder) =>
    Promise.resolve(['/bin/touch', `${folder}/ran`]),
): Promise<{ at: CliLedger; net: MeddlingProxy; id: string }> {
  const at = await CliLedger.create();
  ledger = at;
  const net = await MeddlingProxy.listen(await freePort(), at.port);
  proxy = net;
  await at.serve('--port', String(at.port), '--public-url', net.url);
  const person = await at.founder();
  const { exec, id } = await at.ask(['--', ...(await command(at.folder))]);
  await exec.signal('SIGINT');
  await approve(person, id);
  return { at, net, id };
}

function resume(at: CliLedger, id: string): Promise<Ended> {
  return at.run('exec', ['--resume', id]).ended;
}

async function hasRun(at: CliLedger): Promise<boolean> {
  return stat(at.at('ran')).then(
    () => true,
    () => false,
  );
}

const LIE = { status: 200, body: '{"approved":true,"outcome":"VALID","status":"bound"}' };

describe('an executor', () => {
  it('H02: does not run what was approved while the ledger cannot be reached, wherever the network is cut', async () => {
    const { at, net, id } = await approved();
    for (const cut of [
      'POST /v1/requests',
      `GET /v1/actions/${id}`,
      '/evidence',
      'POST /v1/uses',
    ]) {
      net.meddle = (call) => (call.includes(cut) ? 'cut' : 'pass');
      const { exit, stderr } = await resume(at, id);
      expect([cut, exit]).toEqual([cut, 3]);
      expect(stderr).toMatch(/LEDGER_UNREACHABLE/);
      expect(await hasRun(at)).toBe(false);
    }
    // The claim may have arrived: so the command is reported as unknown, and not run even now.
    net.meddle = () => 'pass';
    expect((await resume(at, id)).exit).toBe(3);
    expect(await hasRun(at)).toBe(false);
  });

  it('H02: runs once the network is back, when nothing was claimed yet', async () => {
    const { at, net, id } = await approved();
    net.meddle = () => 'cut';
    expect((await resume(at, id)).exit).toBe(3);
    await at.stop('SIGKILL');
    net.meddle = () => 'pass';
    const { exit, stderr } = await resume(at, id);
    expect([exit, /LEDGER_UNREACHABLE/.test(stderr)]).toEqual([3, true]);
    expect(await hasRun(at)).toBe(false);
    await at.serve('--port', String(at.port), '--public-url', net.url);
    expect(await resume(at, id)).toMatchObject({ exit: 0 });
    expect(await hasRun(at)).toBe(true);
    const help = await at.run('exec', ['--help']).ended;
    expect(help.stdout).not.toMatch(/fail-?open|--force|--offline|--skip|--insecure|--no-verify/i);
  });

  it('H04: does not run on "approved": true, whoever says so, nor on an answer without proof', async () => {
    const { at, net, id } = await approved();
    const view = JSON.stringify({ action_id: id, status: 'bound', last_index: 9, approved: true });
    const lies: readonly [string, Meddler, RegExp][] = [
      ['evidence', (call) => (call.includes('/evidence') ? LIE : 'pass'), /EVIDENCE_FORMAT/],
      [
        'a view and no evidence',
        (call) =>
          call.includes('/evidence')
            ? { status: 404, body: '{"code":"NOT_FOUND","detail":"none"}' }
            : call.startsWith('GET /v1/actions')
              ? { status: 200, body: view }
              : 'pass',
        /NOT_FOUND/,
      ],
      ['a use', (call) => (call.startsWith('POST /v1/uses') ? LIE : 'pass'), /[A-Z]+_[A-Z]+/],
    ];
    for (const [what, meddle, code] of lies) {
      net.meddle = meddle;
      const { exit, stderr } = await resume(at, id);
      expect([what, exit === 0 || exit === 10]).toEqual([what, false]);
      expect(stderr).toMatch(code);
      expect(await hasRun(at)).toBe(false);
    }
  });

  it('A01: does not run a program of which one byte has changed since it was approved', async () => {
    const script = '#!/bin/sh\necho approved > ran\n';
    const { at, id } = await approved(async (folder) => {
      const path = `${folder}/rotate.sh`;
      await writeFile(path, script, { mode: 0o755 });
      return [path];
    });
    await writeFile(at.at('rotate.sh'), script.replace('approved', 'Approved'));
    const { exit, stderr } = await resume(at, id);
    expect([exit, /ACTION_DIGEST_MISMATCH/.test(stderr)]).toEqual([1, true]);
    expect(await hasRun(at)).toBe(false);
    await writeFile(at.at('rotate.sh'), script);
    expect((await resume(at, id)).exit).toBe(0);
    expect(await readFile(at.at('ran'), 'utf8')).toBe('approved\n');
  });
});
