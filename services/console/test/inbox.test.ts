import { describe, expect, it } from 'vitest';
import {
  ConsoleError,
  likenessOf,
  oddFirst,
  parseInbox,
  ranked,
  readInbox,
  type OpenRequest,
} from '@countersign/console';

const open = {
  action_id: '01M83E3RGQYAKMGZGZM804J626',
  type: 'generic.command',
  agent: 'deployer',
  opened_at: '2026-11-23T12:00:00.000Z',
  decide_by: '2026-11-23T12:15:00.000Z',
};

describe('the list of open requests', () => {
  it('names the kind of action, and the most urgent first', () => {
    const later = {
      ...open,
      action_id: 'B',
      type: 'ext.unknown',
      decide_by: '2026-11-24T00:00:00.000Z',
    };
    const { requests, isCut } = parseInbox({ actions: [later, open], cursor: null });
    expect(isCut).toBe(false);
    expect(requests).toEqual([
      {
        actionId: open.action_id,
        title: 'Run a command',
        agent: 'deployer',
        openedAt: open.opened_at,
        decideBy: open.decide_by,
      },
      {
        actionId: 'B',
        title: 'ext.unknown',
        agent: 'deployer',
        openedAt: open.opened_at,
        decideBy: later.decide_by,
      },
    ]);
  });

  it('says when there are more than it holds', () => {
    expect(parseInbox({ actions: [open], cursor: open.action_id }).isCut).toBe(true);
  });

  it('is refused when it is something else', () => {
    expect(() => parseInbox({ actions: [{}] })).toThrow(ConsoleError);
    expect(() => parseInbox([])).toThrow(ConsoleError);
  });
});

function request(agent: string, at: number, title = 'Run a command'): OpenRequest {
  const second = String(at % 60).padStart(2, '0');
  return {
    actionId: `${agent}-${at}`,
    title,
    agent,
    openedAt: '2026-11-23T12:00:00.000Z',
    decideBy: `2026-11-23T12:15:${second}.000Z`,
  };
}

describe('a flood of requests', () => {
  const flood = Array.from({ length: 200 }, (_, at) => request('noisy', at));
  const quiet = [request('deployer', 1), request('noisy', 900, 'Transfer money')];

  it('H07: stands together behind what is unlike it, and each request of it stays one', () => {
    const { alone, crowds } = ranked([...flood.slice(0, 120), ...quiet, ...flood.slice(120)]);
    expect(alone).toEqual(quiet);
    expect(crowds).toHaveLength(1);
    expect(crowds[0]?.requests).toEqual(flood);
    // Of two floods, the smaller one is the odd one.
    const few = Array.from({ length: 5 }, (_, at) => request('few', at));
    expect(ranked([...flood, ...few]).crowds.map(({ agent }) => agent)).toEqual(['few', 'noisy']);
  });

  it('H07: is led by the one that asks for something else, whatever ids and numbers differ', () => {
    const headlines = flood.map(({ actionId }, at) => ({
      actionId,
      likeness: likenessOf([{ text: `restart job ${at} of 01ab${at}99cc`, more: 0 }], 0),
    }));
    const odd = { actionId: 'odd', likeness: likenessOf([{ text: 'drop billing', more: 0 }], 0) };
    const warned = {
      actionId: 'warned',
      likeness: likenessOf([{ text: 'restart job 7 of 01ab799cc', more: 0 }], 1),
    };
    const rows = [...headlines.slice(0, 150), odd, warned, ...headlines.slice(150)];
    const [first, second, ...rest] = oddFirst(rows, ({ likeness }) => likeness);
    expect([first, second]).toEqual([odd, warned]);
    expect(rest).toEqual(headlines);
  });

  it('H07: does not push the request of somebody else off the list', async () => {
    const pages = [
      {
        actions: Array.from({ length: 200 }, (_, at) => ({ ...open, action_id: `A${at}` })),
        cursor: 'c1',
      },
      { actions: [{ ...open, action_id: 'B', agent: 'other' }], cursor: null },
    ];
    const asked: string[] = [];
    const { requests, isCut } = await readInbox((path) => {
      asked.push(path);
      return Promise.resolve(pages[asked.length - 1] ?? null);
    });
    expect(asked).toEqual(['/v1/inbox?limit=200', '/v1/inbox?limit=200&cursor=c1']);
    expect([requests.length, isCut]).toEqual([201, false]);
    expect(ranked(requests).alone.map(({ actionId }) => actionId)).toEqual(['B']);
  });

  it('H07: is read to an end, and told to be cut there', async () => {
    let page = 0;
    const { requests, isCut } = await readInbox(() => {
      page += 1;
      return Promise.resolve({ actions: [{ ...open, action_id: `A${page}` }], cursor: `c${page}` });
    });
    expect([page, requests.length, isCut]).toEqual([5, 5, true]);
  });
});
