import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HttpPerson } from '../support/http-person.ts';
import { tierOfTests } from '../support/tier.ts';
import { approve, CliLedger, CliProcess, countersign, idOf } from './cli-process.ts';

const WITHIN_MS = 600_000;
const CLOCK = new URL('../support/cluster/clock-jump.js', import.meta.url).href;
const REASON = ['--reason', 'her phone and her key are in the river'];

/** Elsewhere the broker stamps the time, which no test can turn. */
describe.skipIf(tierOfTests() !== undefined)(
  'a recovery, from the command line',
  { timeout: WITHIN_MS },
  () => {
    let ledger: CliLedger;
    /** Of the server and of every command: their clock is what a file says. */
    let env: Record<string, string>;
    let founder: HttpPerson;
    let bob: HttpPerson;
    let alice: HttpPerson;
    let link: string;

    beforeAll(async () => {
      env = { NODE_OPTIONS: `--import=${CLOCK}` };
      ledger = await CliLedger.create({ env });
      env['CLOCK_JUMP_FILE'] = ledger.at('clock');
      await ledger.serve('--port', String(ledger.port), '--recovery-quorum', '2');
      founder = await ledger.founder();
      bob = await ledger.invited(founder, { env });
      alice = await ledger.invited(founder, { env });
    }, WITHIN_MS);

    afterAll(async () => {
      await ledger.discard();
    });

    function run(command: string, args: readonly string[]): CliProcess {
      return ledger.run(command, args, { env });
    }

    async function json(path: string): Promise<Record<string, unknown>> {
      const token = (await readFile(join(ledger.data, 'keys/read.token'), 'utf8')).trim();
      const headers = { authorization: `Bearer ${token}` };
      return (await (await fetch(`${ledger.url}${path}`, { headers })).json()) as Record<
        string,
        unknown
      >;
    }

    async function start(): Promise<void> {
      const begun = run('recover start', [alice.person, ...REASON]);
      const id = await idOf(begun);
      // Nobody can stop it by a no to it, not even the one whom it is for.
      const no = await alice.decide(id, 'deny', 'I have my keys');
      expect(no.body).toMatchObject({ code: 'NOT_DENIABLE' });
      const own = await alice.decide(id, 'approve', 'me too');
      expect(own.body).toMatchObject({ code: 'NOT_ELIGIBLE' });
      await approve(founder, id);
      await approve(bob, id);
      const { exit, stdout } = await begun.ended;
      expect([exit, stdout]).toEqual([0, expect.stringContaining('unless it is cancelled')]);
      const [, file = ''] = /the link in (\S+) works/.exec(stdout) ?? [];
      link = (await readFile(file, 'utf8')).trim();
    }

    /** The same folder, with a server whose clock says later. */
    async function later(hours: number): Promise<void> {
      await ledger.stop();
      await writeFile(ledger.at('clock'), String(hours * 3_600_000));
      await ledger.serve();
    }

    it('D13: is alarmed and red at once, and its link does not work before the delay is over', async () => {
      expect(await json('/v1/ledger')).toMatchObject({ recovery: { quorum: 2, delay_h: 72 } });
      await start();
      expect(await json('/v1/status')).toMatchObject({
        status: 'red',
        recoveries: [{ person: alice.person }],
      });
      const metrics = await (await fetch(`${ledger.url}/metrics`)).text();
      expect(metrics).toContain('countersign_recoveries_pending 1\n');
      expect(metrics).toContain('countersign_findings{code="RECOVERY_STARTED"} 1\n');
      expect((await run('findings', []).ended).stdout).toContain('RECOVERY_STARTED');
      const listed = await run('recover list', []).ended;
      expect(listed.stdout).toContain(`${alice.person}  works from `);
      await expect(HttpPerson.enrol(link)).rejects.toThrow('RECOVERY_NOT_DUE');
      expect((await run('log export', ['first']).ended).exit).toBe(0);
      const trust = ['--trust', join(ledger.data, 'trust.json')];
      const audit = await countersign(['audit', ledger.at('first'), ...trust], { env });
      expect(audit.stdout).toMatch(/^RECOVERY +entry \d+: prs_\w+ may get a new key from /m);
      const watching = ['monitor', ledger.at('first'), ...trust, '--every', '1'];
      const monitor = new CliProcess(watching, { env });
      try {
        await monitor.said(/ALARM RECOVERY_STARTED at entry \d+: prs_/);
      } finally {
        await monitor.signal('SIGTERM');
      }
      await later(71);
      await expect(HttpPerson.enrol(link)).rejects.toThrow('RECOVERY_NOT_DUE');
    });

    it('D13: what was cancelled stays dead, and is green again', async () => {
      const cancel = run('recover cancel', [alice.person, '--reason', 'she has both with her']);
      await bob.signIn();
      await approve(bob, await idOf(cancel));
      expect(await cancel.ended).toMatchObject({ exit: 0 });
      expect(await json('/v1/status')).toMatchObject({ status: 'green', recoveries: [] });
      await later(73);
      await expect(HttpPerson.enrol(link)).rejects.toThrow('INVITATION_INVALID');
      const none = await run('recover cancel', [alice.person, ...REASON]).ended;
      expect([none.exit, none.stderr]).toEqual([1, expect.stringContaining('MEMBER_UNKNOWN')]);
    });

    it('D13: gives a new key in the place of the lost one, and the whole log follows from its entries', async () => {
      await Promise.all([founder, bob, alice].map((person) => person.signIn()));
      await start();
      await later(73 + 72);
      const again = await HttpPerson.enrol(link);
      expect(again.person).toBe(alice.person);
      await expect(alice.signIn()).rejects.toThrow('401');
      expect(await json('/v1/status')).toMatchObject({ status: 'green', recoveries: [] });
      const asked = run('exec', ['--', '/bin/echo', 'back']);
      await approve(again, await idOf(asked));
      expect(await asked.ended).toMatchObject({ exit: 0, stdout: 'back\n' });
      expect((await run('log export', ['log']).ended).exit).toBe(0);
      const trust = join(ledger.data, 'trust.json');
      const audit = await countersign(['audit', ledger.at('log'), '--trust', trust], { env });
      expect(audit.stdout).toContain('VALID at level replayed');
      expect(audit.stdout).not.toMatch(/^RECOVERY /m);
    });

    it('D13: another rule beside the log is no rule: the server does not start', async () => {
      await ledger.stop();
      const mark = join(ledger.data, 'ledger.json');
      await rename(mark, `${mark}.kept`);
      const text = await readFile(`${mark}.kept`, 'utf8');
      expect(text).toContain('"recovery":{"delay_h":72,"quorum":2}');
      await writeFile(mark, text.replace('"quorum":2', '"quorum":1'), { mode: 0o600 });
      const served = await countersign(['serve', '--data', ledger.data], { env });
      expect([served.exit, served.stderr]).toEqual([
        1,
        expect.stringContaining('DATA_OTHER_FOUNDING'),
      ]);
      await rename(`${mark}.kept`, mark);
      await ledger.serve();
      expect(await json('/v1/ledger')).toMatchObject({ recovery: { quorum: 2, delay_h: 72 } });
    });
  },
);

describe('a founding without a recovery', { timeout: WITHIN_MS }, () => {
  it('has none, and says so before anything is asked for', async () => {
    const ledger = await CliLedger.create();
    try {
      await ledger.serve('--port', String(ledger.port), '--no-recovery');
      const asked = await ledger.run('recover start', REASON).ended;
      expect([asked.exit, asked.stderr]).toEqual([1, expect.stringContaining('NO_POLICY')]);
    } finally {
      await ledger.discard();
    }
  });
});
