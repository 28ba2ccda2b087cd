import { createHash, X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SoftwareMaker } from '@countersign/software-passkey';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpPerson } from '../support/http-person.ts';
import { approve, CliLedger, COMMAND_RULE, countersign } from './cli-process.ts';

const WITHIN_MS = 600_000;
const MODEL = 'cb69481e-8ff7-4039-93ec-0a2729a154a8';
const MAKER = new SoftwareMaker({
  model: Buffer.from(MODEL.replaceAll('-', ''), 'hex'),
  hasIntermediate: true,
});
const ROOT = `sha256:${createHash('sha256').update(MAKER.root).digest('hex')}`;

describe(
  'a rule that wants keys of known models, from the command line',
  { timeout: WITHIN_MS },
  () => {
    let ledger: CliLedger;
    let founder: HttpPerson;
    let alice: HttpPerson;

    beforeAll(async () => {
      ledger = await CliLedger.create();
      await writeFile(ledger.at('roots.pem'), new X509Certificate(MAKER.root).toString());
      await ledger.serve(
        '--port',
        String(ledger.port),
        '--attestation-roots',
        ledger.at('roots.pem'),
      );
      founder = await ledger.founder();
      alice = await ledger.invited(founder, { maker: MAKER });
      const rules = [
        { ...COMMAND_RULE, approvers: 'any', attested: [{ root: ROOT, models: [MODEL] }] },
      ];
      await ledger.setPolicy(founder, { v: 'countersign.policy.v1', rules });
    }, WITHIN_MS);

    afterAll(async () => {
      await ledger.discard();
    });

    it('D08: binds by a passkey that its maker vouches for, by no other, and anybody can check it', async () => {
      const { exec, id } = await ledger.ask(['--', '/bin/echo', 'rotated']);
      const other = await founder.decide(id, 'approve', 'with a key that nobody vouches for');
      expect(other.body).toMatchObject({ code: 'AUTHENTICATOR_CLASS' });
      await approve(alice, id);
      const ran = await exec.ended;
      expect([ran.exit, ran.stdout]).toEqual([0, 'rotated\n']);
      expect((await ledger.run('evidence', [id, '-o', 'evidence.json']).ended).exit).toBe(0);
      const trust = ['--trust', join(ledger.data, 'trust.json')];
      const verified = await countersign(['verify', ledger.at('evidence.json'), ...trust]);
      expect([verified.exit, verified.stdout]).toEqual([0, expect.stringContaining('VALID')]);
      expect((await ledger.run('log export', ['log']).ended).exit).toBe(0);
      const audit = await countersign(['audit', ledger.at('log'), ...trust]);
      expect([audit.exit, audit.stdout]).toEqual([0, expect.stringContaining('VALID')]);
    });

    it('is not started with roots that are none', async () => {
      await writeFile(ledger.at('none.pem'), 'none');
      const args = [
        'serve',
        '--data',
        ledger.at('other'),
        '--attestation-roots',
        ledger.at('none.pem'),
      ];
      const { exit, stderr } = await countersign(args);
      expect([exit, stderr]).toEqual([2, expect.stringContaining('CONFIG_INVALID')]);
    });
  },
);
