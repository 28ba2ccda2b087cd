import { DEFAULT_POLICY } from '@countersign/binding';
import type { Json } from '@countersign/canonical';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ConsoleBench } from './support/console-bench.ts';
import type { PersonBrowser } from './support/person-browser.ts';

let bench: ConsoleBench;
let person: PersonBrowser;
/** Of an agent, and open all the time. */
let before: string;

beforeAll(async () => {
  bench = await ConsoleBench.start();
  person = await bench.enrolled();
  before = await bench.ledger.request();
});

afterAll(async () => {
  expect(person.faults).toEqual([]);
  await bench.stop();
});

it('says of a change of the authority that it took effect with its approval, and offers nothing to stop', async () => {
  const { page } = person;
  const actionId = await bench.ledger.requestChange({
    kind: 'executor-revoked',
    id: bench.ledger.executor.id,
  });
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

it('shows beside a new policy what it changes against the one in force, computed from the log', async () => {
  const { page } = person;
  const [first, ...others] = DEFAULT_POLICY.rules;
  const rules = [{ ...first, max_uses: 7 }, ...others, { ...first, id: 'more', types: ['x.y'] }];
  const policy = { ...DEFAULT_POLICY, rules } as unknown as Json;
  const actionId = await bench.ledger.requestChange({ kind: 'policy-set', policy });
  await page.goto(bench.addressOf(actionId));
  const change = page.locator('#policy-change');
  await change.getByText('the one that was set by entry 0 at').waitFor();
  const rows = (await change.locator('.row').allInnerTexts()).map((row) =>
    row.split(/\s+/).join(' '),
  );
  expect(rows[0]).toBe(`rule ${first?.id ?? ''}: max_uses ${first?.max_uses ?? 0} → 7`);
  expect(rows.slice(1)).toEqual([expect.stringMatching(/^rule more Added ?\{"approvals":/)]);
});

// The last one: nothing is thawed.
it('F10: shows what was asked for before a freeze as ended by it, and not among what waits', async () => {
  const { page } = person;
  const freeze = await bench.ledger.requestChange({ kind: 'frozen' }, 'authority.freeze');
  await page.goto(bench.addressOf(freeze));
  await person.scrollToEnd();
  await page.getByRole('button', { name: 'Approve', exact: true }).click();
  await page.getByRole('heading', { name: 'Approved, and the change took effect' }).waitFor();
  await page.goto(bench.addressOf(before));
  await page.locator('.decisions').getByText('The ledger was frozen after').waitFor();
  await page.getByText('Ended by a freeze').first().waitFor();
  expect(await page.getByRole('button', { name: /Approve|Deny|Revoke/ }).count()).toBe(0);
  await page.goto(bench.ledger.url);
  await page.getByRole('heading', { name: 'Open requests' }).waitFor();
  expect(await page.locator(`a[href*="${before}"]`).count()).toBe(0);
});
