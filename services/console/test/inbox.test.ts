import { describe, expect, it } from 'vitest';
import { ConsoleError, parseInbox } from '@countersign/console';

const open = {
  action_id: '01M83E3RGQYAKMGZGZM804J626',
  type: 'generic.command',
  agent: 'deployer',
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
    expect(parseInbox({ actions: [later, open], cursor: null })).toEqual([
      {
        actionId: open.action_id,
        title: 'Run a command',
        agent: 'deployer',
        decideBy: open.decide_by,
      },
      { actionId: 'B', title: 'ext.unknown', agent: 'deployer', decideBy: later.decide_by },
    ]);
  });

  it('is refused when it is something else', () => {
    expect(() => parseInbox({ actions: [{}] })).toThrow(ConsoleError);
    expect(() => parseInbox([])).toThrow(ConsoleError);
  });
});
