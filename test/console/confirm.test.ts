import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CedarPolicy } from '@countersign/binding';
import { ConsoleBench } from './support/console-bench.ts';
import type { PersonBrowser } from './support/person-browser.ts';

const POLICY: CedarPolicy = {
  v: 'countersign.policy.v3',
  cedar: `@id("command") @rule("typed")
permit (principal, action == Action::"ask", resource is generic::command_v1);
`,
  groups: {},
  rules: [
    {
      id: 'typed',
      approvals: 1,
      approvers: 'any',
      confirm: { field: '/cwd', last: 4 },
      proof_classes: ['uv'],
      rationale: 'optional',
      decide_within_s: 900,
      use_within_s: 900,
      start_within_s: 60,
      max_uses: 1,
    },
  ],
};

let bench: ConsoleBench;
let person: PersonBrowser;

beforeAll(async () => {
  bench = await ConsoleBench.start({ policy: POLICY });
  person = await bench.enrolled();
});

afterAll(async () => {
  await bench.stop();
});

const field = (): ReturnType<PersonBrowser['page']['getByLabel']> =>
  person.page.getByLabel('To approve, type the last 4 characters of /cwd');
const button = (name: string): ReturnType<PersonBrowser['page']['getByRole']> =>
  person.page.getByRole('button', { name, exact: true });
const decisions = (): readonly string[] =>
  person.requests.filter((url) => url.includes('/v1/decisions'));

async function openRequest(): Promise<string> {
  const actionId = await bench.ledger.request();
  person.requests.length = 0;
  await person.page.goto(bench.addressOf(actionId));
  await person.page.getByRole('heading', { name: 'Your decision' }).waitFor();
  return actionId;
}

describe('a person of whom the rule wants the end of a field typed', () => {
  it('E09: signs nothing with an empty field or another text, and approves once it is typed', async () => {
    const actionId = await openRequest();
    expect(await field().inputValue()).toBe('');
    await person.scrollToEnd();
    const wrong = person.page.getByText(/^This is not how it ends/);
    await button('Approve').click();
    await wrong.waitFor();
    await field().pressSequentially('link');
    expect(await wrong.count()).toBe(0);
    await button('Approve').click();
    await wrong.waitFor();
    expect(await field().getAttribute('aria-invalid')).toBe('true');
    expect(decisions()).toEqual([]);
    await field().clear();
    // Of /srv/billing.
    await field().pressSequentially('ling');
    await button('Approve').click();
    await person.page.getByRole('heading', { name: 'Your approval is in the log' }).waitFor();
    expect(decisions()).toHaveLength(1);
    const evidence = await person.page.evaluate(
      async (path) => (await fetch(path)).text(),
      `/v1/actions/${actionId}/evidence`,
    );
    const { binding } = JSON.parse(evidence) as { binding: { entry: string } };
    expect(JSON.parse(binding.entry)).toMatchObject({
      type: 'binding-made',
      requirement: { confirm: { field: '/cwd', last: 4 } },
      confirmation: expect.stringMatching(/^sha256:/) as unknown,
    });
    await button('Verify it here').click();
    await person.page.getByRole('heading', { name: 'VALID', exact: true }).waitFor();
    expect(person.faults).toEqual([]);
  });

  it('denies without typing anything', async () => {
    await openRequest();
    await button('Deny').click();
    await person.page.getByRole('heading', { name: 'Your denial is in the log' }).waitFor();
  });
});
