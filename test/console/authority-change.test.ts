import { LEDGER_EXECUTOR } from '@countersign/binding';
import type { JsonObject } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS } from '@countersign/descriptors';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ConsoleBench } from './support/console-bench.ts';
import type { PersonBrowser } from './support/person-browser.ts';

const TYPE = 'authority.change';

let bench: ConsoleBench;
let person: PersonBrowser;

beforeAll(async () => {
  bench = await ConsoleBench.start();
  person = await bench.enrolled();
});

afterAll(async () => {
  expect(person.faults).toEqual([]);
  await bench.stop();
});

async function asked(change: JsonObject): Promise<string> {
  const descriptor = BUILTIN_DESCRIPTORS.find(({ type }) => type === TYPE);
  const executor = {
    id: LEDGER_EXECUTOR,
    audience: bench.ledger.origin,
    descriptor_digest: descriptor?.digest ?? '',
  };
  return bench.ledger.request({}, { type: TYPE, params: { change }, executor });
}

it('says of a change of the authority that it took effect with its approval, and offers nothing to stop', async () => {
  const { page } = person;
  const actionId = await asked({ kind: 'executor-revoked', id: bench.ledger.executor.id });
  await page.goto(bench.addressOf(actionId));
  await person.scrollToEnd();
  await page.getByLabel('Your reason').fill('That machine is gone.');
  await page.getByRole('button', { name: 'Approve', exact: true }).click();
  const heading = page.getByRole('heading', { name: 'Approved, and the change took effect' });
  await heading.waitFor();
  await page.locator('.status').getByText('The change took effect').waitFor();
  await page.getByRole('heading', { name: 'Nothing to decide' }).waitFor();
  expect(await page.getByRole('button', { name: /Approve|Deny|Revoke|Stop/ }).count()).toBe(0);
  expect(await page.locator('.timeline').innerText()).toContain('authority-changed');
  // And so it is from the start, for whoever comes later.
  await page.goto(bench.addressOf(actionId));
  await heading.waitFor();
  await page
    .locator('.decisions')
    .getByText(/, shown for .+ as the device claims$/)
    .waitFor();
});
