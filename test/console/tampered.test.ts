import type { JsonObject } from '@countersign/canonical';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleBench } from './support/console-bench.ts';
import type { PersonBrowser } from './support/person-browser.ts';

let bench: ConsoleBench;
let person: PersonBrowser;
let actionId: string;
let otherId: string;

beforeAll(async () => {
  bench = await ConsoleBench.start();
  person = await bench.enrolled();
  actionId = await bench.ledger.request();
  otherId = await bench.ledger.request({ argv: ['drop', 'billing'] });
});

afterAll(async () => {
  await bench.stop();
});

afterEach(async () => {
  await person.page.unrouteAll({ behavior: 'ignoreErrors' });
});

interface ReviewJson extends JsonObject {
  readonly action: string;
  readonly admission: { readonly entry: { readonly text: string }; readonly receipt: string };
  readonly descriptor: JsonObject;
  readonly display: JsonObject;
}

/** Opens the action from a server that answers its review in another way. */
async function open(lie: (review: ReviewJson, other: ReviewJson) => JsonObject): Promise<void> {
  await person.page.route(`**/v1/actions/${actionId}/review`, async (route) => {
    const [mine, others] = await Promise.all([
      route.fetch(),
      route.fetch({ url: `${bench.ledger.url}/v1/actions/${otherId}/review` }),
    ]);
    const review = (await mine.json()) as ReviewJson;
    const other = (await others.json()) as ReviewJson;
    await route.fulfill({
      response: mine,
      json: lie(review, other),
    });
  });
  await person.page.goto(bench.addressOf(actionId));
}

const LIES: readonly [string, string, (review: ReviewJson, other: ReviewJson) => JsonObject][] = [
  [
    'ACTION_DIGEST_MISMATCH',
    'the text of the action is changed (E01)',
    (review) => ({ ...review, action: review.action.replace('billing', 'payroll') }),
  ],
  [
    'ACTION_DIGEST_MISMATCH',
    'the text is that of another action',
    (review, other) => ({ ...review, action: other.action }),
  ],
  [
    'DISPLAY_MISMATCH',
    'the display is changed (E01)',
    (review) => ({ ...review, display: { ...review.display, title: 'Read a file' } }),
  ],
  [
    'DISPLAY_MISMATCH',
    'the display is that of another action',
    (review, other) => ({ ...review, display: other.display }),
  ],
  [
    'DESCRIPTOR_MISMATCH',
    'the descriptor is exchanged',
    (review) => ({ ...review, descriptor: { ...review.descriptor, title: 'Read a file' } }),
  ],
  [
    'ADMISSION_MISMATCH',
    'the admission is exchanged',
    (review, other) => ({ ...review, admission: other.admission }),
  ],
  ['ADMISSION_MISMATCH', 'everything is that of another action', (_review, other) => other],
  [
    'ADMISSION_MISMATCH',
    'the admission is edited',
    (review) => ({
      ...review,
      admission: {
        ...review.admission,
        entry: {
          ...review.admission.entry,
          text: review.admission.entry.text.replace('"approvals":1', '"approvals":2'),
        },
      },
    }),
  ],
  [
    'CHECKPOINT_INVALID',
    'the receipt is signed by nobody',
    (review) => ({
      ...review,
      admission: {
        ...review.admission,
        receipt: review.admission.receipt.replace(/.{8}\n$/, 'AAAAAAA=\n'),
      },
    }),
  ],
  ['POLICY_MISMATCH', 'the policy is left out', (review) => ({ ...review, policy: null })],
  ['ANSWER_FORMAT', 'the answer is cut', () => ({})],
];

describe('a server that lies', () => {
  it.each(LIES)('gets %s and no button, when %s', async (code, _, lie) => {
    await open(lie);
    const alarm = person.page.getByRole('alert');
    await alarm.waitFor();
    expect(await alarm.locator('.code').textContent()).toBe(code);
    for (const name of ['Approve', 'Deny', 'Revoke']) {
      expect(await person.page.getByRole('button', { name }).count()).toBe(0);
    }
    expect(await person.page.locator('#display').count()).toBe(0);
    expect(person.faults).toEqual([]);
  });

  it('does not reach the screen with the truth either, unless all of it agrees', async () => {
    await open((review) => review);
    await person.page.getByRole('heading', { name: 'Your decision' }).waitFor();
    expect(await person.page.getByRole('alert').filter({ hasText: 'Code' }).count()).toBe(0);
  });

  it('cannot pass off another entry as the answer to a decision', async () => {
    const asked = await bench.ledger.request();
    await person.page.goto(bench.addressOf(asked));
    await person.page.route('**/v1/decisions?*', async (route) => {
      const response = await route.fetch();
      const answer = (await response.json()) as JsonObject;
      const other = await route.fetch({
        method: 'GET',
        url: `${bench.ledger.url}/v1/actions/${otherId}/review`,
      });
      const { admission } = (await other.json()) as ReviewJson;
      await route.fulfill({ response, json: { ...answer, ...admission } });
    });
    await person.page.getByLabel('Your reason').fill('No.');
    await person.page.getByRole('button', { name: 'Deny', exact: true }).click();
    await person.page.getByText('NOT_LOGGED').waitFor();
  });
});

describe('a server that lies about what was decided', () => {
  let denied: string;
  beforeAll(async () => {
    const ids = [await bench.ledger.request(), await bench.ledger.request()];
    for (const id of ids) {
      await person.page.goto(bench.addressOf(id));
      await person.page.getByLabel('Your reason').fill('Not during the freeze.');
      await person.page.getByRole('button', { name: 'Deny', exact: true }).click();
      await person.page.getByText('Denied by').waitFor();
    }
    [denied = ''] = ids;
    [, otherId = ''] = ids;
  });

  it.each<[string, string, (mine: DecidedJson, others: DecidedJson) => JsonObject]>([
    [
      'RATIONALE_MISMATCH',
      'the reason is another one',
      ({ rationale, ...mine }) => ({ ...mine, rationale: { ...rationale, text: 'Go ahead.' } }),
    ],
    [
      'RATIONALE_MISMATCH',
      'its salt is none',
      ({ rationale, ...mine }) => ({ ...mine, rationale: { ...rationale, salt: '!' } }),
    ],
    ['ADMISSION_MISMATCH', 'it was about another request', (_mine, others) => others],
    [
      'NOT_LOGGED',
      'its receipt is that of another entry',
      (mine, others) => ({ ...mine, receipt: others.receipt }),
    ],
  ])('gets %s when %s', async (code, _, lie) => {
    await person.page.route(`**/v1/actions/${denied}/review`, async (route) => {
      const [mine, others] = await Promise.all([
        route.fetch(),
        route.fetch({ url: `${bench.ledger.url}/v1/actions/${otherId}/review` }),
      ]);
      const review = (await mine.json()) as { decisions: DecidedJson[] };
      const other = (await others.json()) as { decisions: DecidedJson[] };
      const [decision] = review.decisions;
      const [another] = other.decisions;
      if (decision === undefined || another === undefined) throw new Error('expected decisions');
      await route.fulfill({
        response: mine,
        json: { ...review, decisions: [lie(decision, another)] },
      });
    });
    await person.page.goto(bench.addressOf(denied));
    const alarm = person.page.getByRole('alert');
    await alarm.waitFor();
    expect(await alarm.locator('.code').textContent()).toBe(code);
    expect(await person.page.locator('.decisions').count()).toBe(0);
  });

  it.each(['no proof', 'the erasure of another action'])(
    'cannot say that content was erased with %s',
    async (proof) => {
      await bench.ledger.erase(otherId);
      const { status, json } = await person.page.evaluate(async (path) => {
        const response = await fetch(path);
        return { status: response.status, json: (await response.json()) as JsonObject };
      }, `/v1/actions/${otherId}/review`);
      const { entry, receipt, ...bare } = json;
      expect([status, entry !== undefined, receipt !== undefined]).toEqual([410, true, true]);
      await person.page.route(`**/v1/actions/${denied}/review`, (route) =>
        route.fulfill({
          status,
          contentType: 'application/problem+json',
          body: JSON.stringify(proof === 'no proof' ? bare : json),
        }),
      );
      await person.page.goto(bench.addressOf(denied));
      const alarm = person.page.getByRole('alert');
      await alarm.waitFor();
      expect(await alarm.locator('.code').textContent()).toBe('NOT_LOGGED');
    },
  );
});

interface DecidedJson extends JsonObject {
  readonly receipt: string;
  readonly rationale: JsonObject;
}

describe('another ledger', () => {
  it.each(['genesis', 'log-keys'])('is an alarm: %s', async (what) => {
    await person.page.goto(bench.ledger.url);
    await person.page.route('**/v1/ledger', async (route) => {
      const response = await route.fetch();
      const facts = (await response.json()) as { log_keys: string[] };
      const changed =
        what === 'genesis'
          ? { ...facts, genesis: `sha256:${'00'.repeat(32)}` }
          : { ...facts, log_keys: [OTHER_KEY] };
      await route.fulfill({ response, json: changed });
    });
    await person.page.goto(bench.addressOf(actionId));
    await person.page
      .getByRole('heading', { name: 'This is not the ledger that this browser knows' })
      .waitFor();
    expect(await person.page.getByRole('alert').first().textContent()).toContain(what);
    expect(await person.page.getByRole('button', { name: /Approve|Deny|Sign in/ }).count()).toBe(0);
  });

  it('is taken over with its trust file, and with nothing less', async () => {
    await person.page.goto(bench.ledger.url);
    await person.page.evaluate(
      (zeros) => {
        const name = 'countersign.trust.v1';
        const pin = JSON.parse(localStorage.getItem(name) ?? '') as object;
        localStorage.setItem(name, JSON.stringify({ ...pin, genesis: zeros }));
      },
      `sha256:${'00'.repeat(32)}`,
    );
    await person.page.goto(bench.addressOf(actionId));
    const trust = person.page.getByRole('button', { name: 'Trust this ledger from now on' });
    await trust.click();
    await person.page.getByText('This is no trust file of the ledger').waitFor();
    const file = await (await fetch(`${bench.ledger.url}/v1/trust`)).text();
    await person.page.getByLabel('All that is in the trust file').fill(file);
    await trust.click();
    await person.page.getByRole('heading', { name: 'Your decision' }).waitFor();
  });
});

const OTHER_KEY =
  'countersign.test/01M83E3QTSN8DHVBTFN2R3PZQC/0+673df424+AYXsTM7cxjp6/fUwtQ8MrFFCtIObBO1Qk3ooRCTPvcHv';
