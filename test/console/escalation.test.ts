import { afterAll, beforeAll, expect, it } from 'vitest';
import { ConsoleBench } from './support/console-bench.ts';
import { escalatingPolicy } from './support/escalating-policy.ts';

const AFTER_S = 6;

let bench: ConsoleBench;

beforeAll(async () => {
  bench = await ConsoleBench.start({
    separation: 'full',
    persons: 3,
    policy: (persons) => escalatingPolicy(persons, AFTER_S, { device_bound: true }),
  });
});

afterAll(async () => {
  await bench.stop();
});

it('D11: opens to the second group by itself once nobody of the first has decided, and says so', async () => {
  const first = await bench.enrolled(1);
  const second = await bench.enrolled(2);
  const { page } = second;
  const actionId = await bench.ledger.request();
  for (const each of [first, second]) await each.page.goto(bench.addressOf(actionId));
  await page.getByText(/^If nobody has decided by .+, you can\. \(NOT_ELIGIBLE\)$/).waitFor();
  const approve = page.getByRole('button', { name: 'Approve', exact: true });
  expect(await approve.count()).toBe(0);
  await page
    .locator('#ledger')
    .getByText(
      `if it is still open after ${AFTER_S} seconds, also ${bench.ledger.persons[2] ?? ''}`,
    )
    .waitFor();
  await page.locator('#ledger').getByText('on a key that stays in its device').waitFor();
  await first.page.getByRole('button', { name: 'Approve', exact: true }).waitFor();

  // What somebody types while they wait for their turn is not lost when it comes.
  const reason = page.getByLabel('Your reason (optional)');
  await reason.fill('I was waiting for this.');
  await approve.waitFor();
  expect(await reason.inputValue()).toBe('I was waiting for this.');
  await second.scrollToEnd();
  await approve.click();
  await page.getByRole('heading', { name: 'Your approval is in the log' }).waitFor();
  const decided = first.page.locator('.decisions');
  await decided.getByText('of the second group').waitFor();
  await decided.getByText('I was waiting for this.').waitFor();
  expect([...first.faults, ...second.faults]).toEqual([]);
});
