import { describe, expect, it } from 'vitest';
import { ConsoleError, parseInbox } from '@countersign/console';

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
