import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleBench } from './support/console-bench.ts';
import type { PersonBrowser } from './support/person-browser.ts';

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

async function decided(verdict: 'Approve' | 'Deny'): Promise<string> {
  const { page } = person;
  const actionId = await bench.ledger.request();
  await page.goto(bench.addressOf(actionId));
  await person.scrollToEnd();
  await page.getByLabel('Your reason').fill('For a reason.');
  await page.getByRole('button', { name: verdict, exact: true }).click();
  await page.getByText('For a reason.').waitFor();
  return actionId;
}

const alarms = (): Promise<number> =>
  person.page.getByRole('alert').filter({ hasText: /./ }).count();

describe('an action whose content was erased', () => {
  it('turns into a calm page while somebody looks, whose proofs still verify', async () => {
    const { page } = person;
    const actionId = await decided('Approve');
    await page.getByRole('button', { name: 'Revoke the approval' }).waitFor();
    await bench.ledger.erase(actionId);
    await page.getByRole('heading', { name: 'The content of this action was erased' }).waitFor();
    await page.getByRole('heading', { name: /^It was erased on 20\d\d-/ }).waitFor();
    expect(await alarms()).toBe(0);
    expect(await page.locator('.notice.alarm').count()).toBe(0);
    expect(await page.locator('main').innerText()).not.toContain('For a reason.');
    expect(await page.title()).toBe(`…${actionId.slice(-8)} · Erased · Countersign`);
    await page.getByRole('button', { name: 'Verify it here' }).click();
    await page.getByRole('heading', { name: 'VALID', exact: true }).waitFor();
  });

  it('is calm from the start too, and names who decided', async () => {
    const { page } = person;
    const actionId = await decided('Deny');
    await bench.ledger.erase(actionId);
    await page.goto(bench.addressOf(actionId));
    await page.getByText('This page has checked the receipt of the erasure').waitFor();
    expect(await alarms()).toBe(0);
    expect(await page.locator('.timeline').innerText()).toContain(bench.ledger.persons[0] ?? '');
    expect(await page.getByRole('button', { name: /Approve|Deny|Revoke/ }).count()).toBe(0);
  });
});

describe('what is not there', () => {
  it('is told calmly, with ways on', async () => {
    const { page } = person;
    await page.goto(bench.addressOf('01JDA5C8000000000000000001'));
    await page.getByText('There is nothing here that you may see.').waitFor();
    expect(await alarms()).toBe(0);
    await page.getByRole('link', { name: 'All open requests' }).click();
    await page.getByRole('heading', { name: 'Open requests' }).waitFor();
  });
});

describe('a request that nobody decided', () => {
  // The last one: no clock goes back.
  it('says so at its head, and what to do', async () => {
    const { page } = person;
    const actionId = await bench.ledger.request();
    await page.goto(bench.addressOf(actionId));
    await page.getByRole('heading', { name: 'Your decision' }).waitFor();
    bench.ledger.clock.forward(1_000_000);
    await bench.ledger.request();
    await page.locator('.decisions').getByText('the agent must ask again').waitFor();
    await page.getByRole('heading', { name: 'What was asked for' }).waitFor();
    expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
  });
});
