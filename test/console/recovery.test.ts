import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keyThumbprint, LEDGER_EXECUTOR } from '@countersign/binding';
import { toBase64url, type JsonObject } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { ConsoleBench } from './support/console-bench.ts';
import type { PersonBrowser } from './support/person-browser.ts';

const TYPE = 'authority.recovery';

let bench: ConsoleBench;
let person: PersonBrowser;

beforeAll(async () => {
  bench = await ConsoleBench.start({ persons: 2, recovery: { quorum: 1, delay_h: 72 } });
  person = await bench.enrolled();
});

afterAll(async () => {
  await bench.stop();
});

function recoveryOf(lost: string): JsonObject {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
  const invitation = { id: keyThumbprint(spki), public_key: toBase64url(spki) };
  return { kind: 'recovery-started', person: lost, invitation, delay_h: 72 };
}

it('D13: a recovery is shown with its delay, offers no denial, and is red above the open requests from then on', async () => {
  const lost = bench.ledger.persons[1] ?? '';
  const descriptor = BUILTIN_DESCRIPTORS.find(({ type }) => type === TYPE);
  const actionId = await bench.ledger.request(
    {},
    {
      type: TYPE,
      params: { change: recoveryOf(lost) },
      executor: {
        id: LEDGER_EXECUTOR,
        audience: bench.ledger.origin,
        descriptor_digest: descriptor?.digest ?? '',
      },
    },
  );
  const { page } = person;
  await page.goto(bench.addressOf(actionId));
  await page.locator('#display').getByText('not before 72 hours after').waitFor();
  const button = (name: string): ReturnType<typeof page.getByRole> =>
    page.getByRole('button', { name, exact: true });
  expect(await button('Deny').count()).toBe(0);
  await page.getByText('This cannot be denied').waitFor();
  await person.scrollToEnd();
  await page.getByLabel('Your reason').fill('I met her without her phone.');
  await button('Approve').click();
  await page.getByRole('heading', { name: 'Your approval is in the log' }).waitFor();
  await page.goto(bench.ledger.url);
  const alarm = page.getByRole('heading', { name: 'Recovery: somebody is about to get a new key' });
  await alarm.waitFor();
  expect(await page.getByText(lost).count()).toBeGreaterThan(0);
  expect(person.faults).toEqual([]);
});
