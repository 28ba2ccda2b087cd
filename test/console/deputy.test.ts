import { formatTimestamp } from '@countersign/canonical';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ConsoleBench } from './support/console-bench.ts';
import { escalatingPolicy } from './support/escalating-policy.ts';

const AFTER_S = 20;

let bench: ConsoleBench;

beforeAll(async () => {
  bench = await ConsoleBench.start({
    separation: 'full',
    persons: 3,
    policy: (persons) => escalatingPolicy(persons, AFTER_S),
  });
});

afterAll(async () => {
  await bench.stop();
});

it('D12: tells a deputy whose voice it would be, and when it is no longer so', async () => {
  const { ledger } = bench;
  const [, principal = '', deputy = ''] = ledger.persons;
  const [first, second] = [await bench.enrolled(1), await bench.enrolled(2)];
  const nowMs = ledger.clock.nowMs();
  const named = await ledger.requestChange(
    {
      kind: 'deputy-named',
      principal,
      deputy,
      types: ['generic.command'],
      not_before: formatTimestamp(nowMs),
      not_after: formatTimestamp(nowMs + 3_600_000),
    },
    'authority.deputy',
  );
  await first.page.goto(bench.addressOf(named));
  await first.scrollToEnd();
  await first.page.getByLabel('Your reason').fill('I am away.');
  await first.page.getByRole('button', { name: 'Approve', exact: true }).click();
  await first.page.getByRole('heading', { name: 'Approved, and the change took effect' }).waitFor();

  const { page } = second;
  await page.goto(bench.addressOf(await ledger.request()));
  const inPlace = page.getByText('You decide in the place of somebody who is away');
  await inPlace.waitFor();
  expect(await inPlace.innerText()).toContain(principal);
  // From then on they are asked themselves: what they sign counts beside what the first signs.
  await inPlace.waitFor({ state: 'detached', timeout: 60_000 });
  await page.getByRole('button', { name: 'Approve', exact: true }).waitFor();
  expect([...first.faults, ...second.faults]).toEqual([]);
});
