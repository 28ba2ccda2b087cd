import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleBench } from './support/console-bench.ts';
import { PersonBrowser } from './support/person-browser.ts';

let bench: ConsoleBench;

beforeAll(async () => {
  bench = await ConsoleBench.start({
    separation: 'full',
    persons: 3,
    policy: {
      v: 'countersign.policy.v1',
      rules: [
        {
          id: 'two-persons',
          types: ['generic.command'],
          approvals: 2,
          approvers: 'any',
          proof_classes: ['uv'],
          rationale: 'optional',
          decide_within_s: 900,
          use_within_s: 900,
          start_within_s: 60,
          max_uses: 1,
        },
      ],
    },
  });
});

afterAll(async () => {
  await bench.stop();
});

async function approve(person: PersonBrowser): Promise<void> {
  const { page } = person;
  await page.getByRole('heading', { name: 'Your decision' }).scrollIntoViewIfNeeded();
  await page.getByRole('button', { name: 'Approve', exact: true }).click();
  await page.getByRole('heading', { name: 'Your approval is in the log' }).waitFor();
  expect(person.faults).toEqual([]);
}

describe('several persons', () => {
  it('fill a quorum together, and the owner of the agent can only stop it', async () => {
    const owner = await bench.enrolled(0);
    const alice = await bench.enrolled(1);
    const bob = await bench.enrolled(2);
    const actionId = await bench.ledger.request();
    for (const person of [owner, alice, bob]) await person.page.goto(bench.addressOf(actionId));

    await owner.page.getByRole('button', { name: 'Stop this request' }).waitFor();
    expect(await owner.page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
    expect(await owner.page.getByText(/OWNER_APPROVAL/).count()).toBe(2);
    await owner.page.getByText('Full: who asks').waitFor();

    await approve(alice);
    await alice.page.getByText('1 of 2, one of them yours').waitFor();
    await alice.page.getByRole('heading', { name: 'You have approved' }).waitFor();
    expect(await alice.page.getByRole('button', { name: 'Approve', exact: true }).count()).toBe(0);
    await bob.page.getByText(/^1 of 2 \(/).waitFor();
    await approve(bob);
    for (const { page } of [owner, alice, bob]) {
      await page
        .locator('.status')
        .getByText(/Approved, not used yet/)
        .waitFor();
    }
    await owner.page.getByRole('button', { name: 'Revoke the approval' }).click();
    await alice.page.locator('.status').getByText('Stopped').waitFor();
    for (const person of [owner, alice, bob]) await person.close();
  });

  it('cannot enrol twice with one invitation', async () => {
    const late = await PersonBrowser.open(bench.browser);
    await late.page.goto(bench.ledger.links[0] ?? '');
    await late.page.getByRole('button', { name: 'Make my passkey' }).click();
    await late.page.getByRole('heading', { name: 'You are not enrolled yet' }).waitFor();
    expect(await late.page.locator('.code').textContent()).toBe('INVITATION_INVALID');
    await late.close();
  });

  it('cannot sign in with a passkey of another ledger', async () => {
    const elsewhere = await ConsoleBench.start();
    const stranger = await elsewhere.enrolled();
    await stranger.page.goto(bench.ledger.url);
    await stranger.page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await stranger.page.getByRole('heading', { name: 'You are not signed in' }).waitFor();
    expect(await stranger.page.locator('.code').textContent()).toBe('CREDENTIAL_UNKNOWN');
    await elsewhere.stop();
  });

  it('tells who has no passkey how to get one', async () => {
    const newcomer = await PersonBrowser.open(bench.browser);
    await newcomer.page.goto(bench.ledger.url);
    await newcomer.page.getByText('enrolment-link.txt').waitFor();
    await newcomer.page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await newcomer.page.getByText('PASSKEY_CANCELLED').waitFor();
    await newcomer.page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor();
    await newcomer.close();
  });
});

describe('an enrolment link', () => {
  it('leaves the address bar at once, and its key reaches nobody', async () => {
    const another = await ConsoleBench.start();
    const person = await PersonBrowser.open(another.browser);
    const link = another.ledger.links[0] ?? '';
    const key = new URLSearchParams(new URL(link).hash.slice(1)).get('i') ?? '';
    const bodies: string[] = [];
    person.page.on('request', (request) => bodies.push(request.postData() ?? ''));
    await person.enrol(link);
    expect(person.page.url()).toBe(`${another.ledger.url}/enrol`);
    expect([...person.requests, ...bodies].filter((text) => text.includes(key))).toEqual([]);
    expect(await person.page.evaluate(() => Object.values(localStorage).join())).not.toContain(key);
    await person.page.reload();
    await person.page.getByText('There is no invitation in this address').waitFor();
    await another.stop();
  });

  it('is refused in plain words when it is cut short', async () => {
    const person = await PersonBrowser.open(bench.browser);
    const link = bench.ledger.links[1] ?? '';
    await person.page.goto(link.replace(/#i=.{20}/, '#i='));
    await person.page.getByRole('button', { name: 'Make my passkey' }).click();
    await person.page.getByText('INVITATION_FORMAT').waitFor();
    expect(person.requests.filter((url) => url.includes('/v1/enrolments'))).toEqual([]);
    await person.close();
  });
});
