import { randomBytes } from 'node:crypto';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  CompanyProvider,
} from '../../services/gateway/test/testing/company-provider.ts';
import { ConsoleBench } from './support/console-bench.ts';
import { freePort } from './support/live-ledger.ts';
import { PersonBrowser } from './support/person-browser.ts';

const READERS = 'approvals-readers';
const COMPANY = 'Sign in with your company account';

let company: CompanyProvider;
let bench: ConsoleBench;
beforeAll(async () => {
  const port = await freePort();
  const redirectUri = `http://localhost:${port}/v1/identity/callback`;
  company = await CompanyProvider.start({ redirectUri });
  company.groups.set('carla', [READERS]);
  bench = await ConsoleBench.start({
    port,
    persons: 3,
    accounts: ['carla', 'bob', 'dana'],
    identity: {
      issuer: company.issuer,
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      readGroup: READERS,
      subjectKey: new Uint8Array(randomBytes(32)),
    },
  });
});
afterAll(async () => {
  await bench.stop();
  await company.stop();
});

/** At the company's own page. */
async function typeAccount(page: Page, account: string): Promise<void> {
  await page.getByLabel('Account').fill(account);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function enter({ page }: PersonBrowser, account: string): Promise<void> {
  await page.goto(bench.ledger.url);
  await page.getByRole('link', { name: COMPANY }).click();
  await typeAccount(page, account);
}

describe('people of a company', () => {
  it('sign in with their account, see what waits, enrol, and decide with their passkey', async () => {
    const actionId = await bench.ledger.request();
    const person = await PersonBrowser.open(bench.browser);
    const { page } = person;
    await enter(person, 'carla');
    await page.locator(`a[href="/action/${actionId}"]`).waitFor();
    await page.getByText('Signed in as carla').waitFor();

    await page.goto(bench.ledger.links[0] ?? '');
    await page.getByRole('button', { name: 'Make my passkey' }).click();
    await page.getByRole('heading', { name: 'You are enrolled' }).waitFor();

    // What was signed in with reads, and does not decide: for that the page asks for the passkey.
    await page.goto(bench.addressOf(actionId));
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.getByLabel('Your reason').fill('It fixes the incident.');
    await person.scrollToEnd();
    await page.getByRole('button', { name: 'Approve', exact: true }).click();
    await page.getByRole('heading', { name: 'Your approval is in the log' }).waitFor();

    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('link', { name: COMPANY }).waitFor();
    expect(person.faults).toEqual([]);
    await person.close();
  });

  it('keep their invitation while they sign in beside it', async () => {
    const person = await PersonBrowser.open(bench.browser);
    const { page, context } = person;
    await page.goto(bench.ledger.links[1] ?? '');
    const opened = context.waitForEvent('page');
    await page.getByRole('link', { name: COMPANY }).click();
    const beside = await opened;
    await typeAccount(beside, 'bob');
    await beside.getByRole('heading', { name: 'You are signed in' }).waitFor();
    // No browser asks for a passkey in the name of a page that nobody looks at.
    await page.bringToFront();
    await page.getByRole('button', { name: 'Make my passkey' }).click();
    await page.getByRole('heading', { name: 'You are enrolled' }).waitFor();
    // He is in no group that reads without a passkey.
    await page.goto(bench.ledger.url);
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await page.getByRole('heading', { name: 'Open requests' }).waitFor();
    expect(person.faults).toEqual([]);
    await person.close();
  });

  it('do not enrol with the link of somebody else: IDENTITY_MISMATCH', async () => {
    const thief = await PersonBrowser.open(bench.browser);
    const { page } = thief;
    await enter(thief, 'mallory');
    await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor();
    await page.goto(bench.ledger.links[2] ?? '');
    await page.getByRole('button', { name: 'Make my passkey' }).click();
    await page.getByText('IDENTITY_MISMATCH').waitFor();
    await page.getByRole('heading', { name: 'You are not enrolled yet' }).waitFor();
    await thief.close();
  });

  it('are told when a sign-in has failed', async () => {
    const person = await PersonBrowser.open(bench.browser);
    const { page } = person;
    await page.goto(`${bench.ledger.url}/v1/identity/callback?code=a&state=b`);
    await page.getByText('IDENTITY_INVALID').waitFor();
    expect(new URL(page.url()).hash).toBe('');
    await person.close();
  });
});
