import { expect, it } from 'vitest';
import { listTools } from '../src/list-tools.ts';
import { OwnRequests } from '../src/own-requests.ts';

it('a server that never lists its tools is not waited for, and told so', async () => {
  const sent: string[] = [];
  const own = new OwnRequests((text) => Promise.resolve(void sent.push(text)), 'secret');
  // Nothing else keeps this process.
  const keeping = setInterval(() => undefined, 1_000);
  await expect(listTools(own, 20)).rejects.toMatchObject({ code: 'UPSTREAM_GONE' });
  clearInterval(keeping);
  expect(sent[1]).toContain('notifications/cancelled');
});
