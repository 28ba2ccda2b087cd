import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_POLICY, leafOf } from '@countersign/binding';
import { ConsoleBench } from './support/console-bench.ts';
import type { PersonBrowser } from './support/person-browser.ts';
import { GRANT_PARAMS } from '../support/grant-params.ts';

const GRANTS = {
  id: 'grants',
  types: ['payment.grant'],
  approvals: 1,
  approvers: 'any',
  proof_classes: ['uv'],
  rationale: 'required',
  decide_within_s: 900,
  use_within_s: 900,
  start_within_s: 60,
  max_uses: 3,
} as const;

let bench: ConsoleBench;
let person: PersonBrowser;

beforeAll(async () => {
  bench = await ConsoleBench.start({
    policy: { ...DEFAULT_POLICY, rules: [...DEFAULT_POLICY.rules, GRANTS] },
  });
  person = await bench.enrolled();
});

afterAll(async () => {
  await bench.stop();
});

beforeEach(() => {
  person.requests.length = 0;
});

afterEach(() => {
  expect(person.faults).toEqual([]);
  expect(person.requests.filter((url) => !url.startsWith(`${bench.ledger.url}/`))).toEqual([]);
});

const status = (): ReturnType<PersonBrowser['page']['locator']> => person.page.locator('.status');
const button = (name: string): ReturnType<PersonBrowser['page']['getByRole']> =>
  person.page.getByRole('button', { name, exact: true });

async function openRequest(
  params: Parameters<typeof bench.ledger.request>[0] = {},
): Promise<string> {
  const actionId = await bench.ledger.request(params);
  await person.page.goto(bench.addressOf(actionId));
  await person.page.getByRole('heading', { name: 'Your decision' }).waitFor();
  return actionId;
}

async function approve(): Promise<void> {
  await person.scrollToEnd();
  await person.page.getByLabel('Your reason').fill('It fixes the incident.');
  await button('Approve').click();
  await person.page.getByRole('heading', { name: 'Your approval is in the log' }).waitFor();
}

interface EvidenceJson {
  readonly outcome: string;
  readonly binding: string;
  readonly actionDigest: string;
}

async function evidenceOf(actionId: string): Promise<EvidenceJson> {
  const text = await person.page.evaluate(
    async (path) => (await fetch(path)).text(),
    `/v1/actions/${actionId}/evidence`,
  );
  const { binding } = JSON.parse(text) as { binding: { entry: string } };
  const entry = JSON.parse(binding.entry) as { type: string; action_digest: string };
  return {
    outcome: entry.type,
    binding: leafOf(Buffer.from(binding.entry)),
    actionDigest: entry.action_digest,
  };
}

describe('deciding', () => {
  it('binds what was approved, shows its receipt, and verifies the evidence in the page', async () => {
    const actionId = await openRequest();
    await approve();
    await person.page.getByText(/This page has checked its receipt/).waitFor();
    await status()
      .getByText(/Approved, not used yet/)
      .waitFor();
    await person.page.getByText('1 of 1, one of them yours').waitFor();
    expect((await evidenceOf(actionId)).outcome).toBe('binding-made');
    await button('Verify it here').click();
    await person.page.getByRole('heading', { name: 'VALID', exact: true }).waitFor();
  });

  it('follows the action to its use and its result', async () => {
    const actionId = await openRequest();
    await approve();
    await button('Revoke the approval').waitFor();
    await bench.ledger.use(actionId, await evidenceOf(actionId));
    await status().getByText('Used · The executor reports: it succeeded').waitFor();
    expect(await button('Revoke the approval').count()).toBe(0);
  });

  it('ends what was denied', async () => {
    await openRequest();
    await person.page.getByLabel('Your reason').fill('Not during the freeze.');
    await button('Deny').click();
    await person.page.getByRole('heading', { name: 'Your denial is in the log' }).waitFor();
    await status().getByText('Denied').waitFor();
    expect(await button('Approve').count()).toBe(0);
    const decisions = person.page.locator('.decisions');
    await decisions.getByText('Not during the freeze.').waitFor();
    expect(await decisions.innerText()).toContain(
      `Denied by ${bench.ledger.persons[0] ?? ''} (you)`,
    );
    await person.page.getByRole('heading', { name: 'What was asked for' }).waitFor();
  });

  it('stops what was approved and not used', async () => {
    await openRequest();
    await approve();
    await button('Revoke the approval').click();
    await person.page.getByRole('heading', { name: 'The action is stopped' }).waitFor();
    await status().getByText('Stopped').waitFor();
    const decisions = person.page.locator('.decisions');
    await decisions.getByText('It fixes the incident.').waitFor();
    expect(await decisions.innerText()).toMatch(
      /Approved by [^]*Stopped by [^]*No reason was given/,
    );
    expect(await button('Revoke the approval').count()).toBe(0);
  });

  it('A13: says first what a grant can come to, and stops what is left of one that was used', async () => {
    const actionId = await bench.ledger.request(
      {},
      {
        type: 'payment.grant',
        max_uses: 3,
        params: GRANT_PARAMS,
      },
    );
    await person.page.goto(bench.addressOf(actionId));
    const worst = person.page.locator('#worst');
    await worst.getByText('At worst this one approval pays out 1 500.00 EUR (Euro).').waitFor();
    await person.page
      .locator('.headline-part')
      .first()
      .getByText('In all at most: 1 500.00 EUR (Euro)')
      .waitFor();
    await approve();
    await button('Revoke the approval').waitFor();
    await bench.ledger.use(actionId, await evidenceOf(actionId), { amount: '12.50' });
    await status()
      .getByText(/^Used, and may be used again · 1 of 3 uses/)
      .waitFor();
    await person.page.getByRole('heading', { name: 'Stop what is left' }).waitFor();
    await button('Revoke the approval').click();
    await person.page.getByRole('heading', { name: 'The action is stopped' }).waitFor();
    await status()
      .getByText(/^Stopped · 1 of 3 uses/)
      .waitFor();
    expect(await button('Revoke the approval').count()).toBe(0);
  });

  it('wants a reason where the policy does, and sends nothing without one', async () => {
    await openRequest();
    await button('Deny').click();
    await person.page.getByText('Say why, in a few words.').waitFor();
    expect(person.requests.filter((url) => url.includes('/v1/decisions'))).toEqual([]);
    expect(await person.page.getByLabel('Your reason').getAttribute('aria-invalid')).toBe('true');
  });

  it('opens Approve by scrolling and not by waiting, and never for a script', async () => {
    await openRequest();
    await person.page.getByLabel('Your reason').evaluate((field) => {
      (field as HTMLTextAreaElement).value = 'scripted';
    });
    await person.page.waitForTimeout(1_500);
    expect(await button('Approve').isDisabled()).toBe(true);
    await person.scrollToEnd();
    await button('Approve').and(person.page.locator(':enabled')).waitFor();
    await button('Approve').evaluate((element) => {
      (element as HTMLButtonElement).click();
      element.dispatchEvent(new MouseEvent('click', { bubbles: true }));
    });
    await person.page.waitForTimeout(500);
    expect(person.requests.filter((url) => url.includes('/v1/decisions'))).toEqual([]);
    expect(await status().textContent()).toContain('Waits for a decision');
  });

  it('lists what is open, by itself, and tells a newcomer what to do when nothing is', async () => {
    await person.page.goto(bench.ledger.url);
    const list = person.page.locator('.requests');
    const empty = person.page.getByRole('heading', { name: 'Nothing waits for you' });
    await list.or(empty).first().waitFor();
    const before = await list.locator('li').count();
    const actionId = await bench.ledger.request();
    const row = list.locator(`a[href="/action/${actionId}"]`);
    await row.waitFor();
    expect(await list.locator('li').count()).toBe(before + 1);
    await row.click();
    await person.page.getByRole('heading', { name: 'Run a command' }).waitFor();
  });

  it('asks to sign in again when the session is over, and goes on where it was', async () => {
    const actionId = await bench.ledger.request();
    await person.page.goto(bench.addressOf(actionId));
    await button('Sign out').click();
    await person.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await person.visit(bench.addressOf(actionId));
    await person.page.getByRole('heading', { name: 'Your decision' }).waitFor();
  });

  // The last one: no clock goes back.
  it('says in plain words what the ledger refuses', async () => {
    await openRequest();
    // The page does not hear that the time is over.
    await person.page.route('**/v1/actions/*?*', async (route) => route.abort());
    bench.ledger.clock.forward(1_000_000);
    await person.page.getByLabel('Your reason').fill('Too late.');
    await button('Deny').click();
    await person.page.getByRole('heading', { name: 'Your decision did not count' }).waitFor();
    await person.page.getByText('The time for this is over.').first().waitFor();
    expect(await person.page.locator('.code').textContent()).toBe('EXPIRED');
    await person.page.getByText(/The refusal is entry \d+ of the log/).waitFor();
  });
});
