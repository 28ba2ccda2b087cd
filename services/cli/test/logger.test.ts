import { BrokerError } from '@countersign/broker';
import { describe, expect, it } from 'vitest';
import { loggerOf } from '../src/logger.ts';
import { Output } from '../src/output.ts';
import { WaitWatch, type Waiting } from '../src/wait-watch.ts';

function capture(): { lines: string[]; logger: ReturnType<typeof loggerOf> } {
  const lines: string[] = [];
  const stderr = new Output({ isTty: false, write: (text) => lines.push(text) });
  const env = { COUNTERSIGN_LOG_LEVEL: 'trace' };
  return { lines, logger: loggerOf({ env, stderr, version: '1.2.3' }, 'ledger') };
}

describe('a line of the log', () => {
  it('says which service wrote it, when, and what happened', () => {
    const { lines, logger } = capture();
    logger.info({ event: 'shard_assigned', tenant: 'acme', shard: 0 }, 'shard assigned');
    logger.info('of a library');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      service: 'ledger',
      version: '1.2.3',
      event: 'shard_assigned',
      tenant: 'acme',
      shard: 0,
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    });
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ event: 'note' });
  });

  it.each([
    'authorization',
    'cookie',
    'password',
    'token',
    'secret',
    'url',
    'link',
    'payload',
    'params',
    'rationale',
    'headers',
  ])('hides a member %s, however deep it is logged', (name) => {
    const { lines, logger } = capture();
    const hidden = { [name]: 'planted' };
    logger.error({ ...hidden, one: hidden, two: { of: hidden } }, 'all of it');
    expect(lines.join('')).not.toContain('planted');
    expect(lines.join('').match(/\[redacted\]/g)).toHaveLength(3);
  });

  it('tells of an error of ours its message, and of others what they are alone', () => {
    const { lines, logger } = capture();
    const foreign = Object.assign(new Error('postgres://u:planted@db'), {
      code: 'ECONNREFUSED',
      detail: 'Key (person)=(planted)',
    });
    logger.error({ err: foreign }, 'failed');
    logger.error({ err: new BrokerError('BROKER_BUSY', 'ours', { cause: foreign }) }, 'failed');
    expect(lines.join('')).not.toContain('planted');
    const [first, second] = lines.map((line) => (JSON.parse(line) as { err: object }).err);
    expect(first).toMatchObject({ name: 'Error', code: 'ECONNREFUSED', causes: [] });
    expect(first).not.toHaveProperty('message');
    expect(second).toMatchObject({
      name: 'BrokerError',
      code: 'BROKER_BUSY',
      message: 'ours',
      causes: ['Error ECONNREFUSED'],
    });
  });
});

describe('a wait', () => {
  it('is told when it begins, each minute that it lasts, and when it ends, with the seconds', () => {
    const { lines, logger } = capture();
    let nowMs = 0;
    let waits: Waiting[] = [];
    const watch = new WaitWatch({ logger, nowMs: () => nowMs, read: () => waits });
    const waiting = {
      tenant: 'acme',
      shard: 0,
      state: 'waiting-broker',
      code: 'BROKER_UNAVAILABLE',
    };
    for (const [atMs, now] of [
      [0, []],
      [1_000, [waiting]],
      [1_250, [waiting]],
      [61_250, [waiting]],
      [63_500, []],
      [63_750, []],
    ] as const) {
      nowMs = atMs;
      waits = [...now];
      watch.look();
    }
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { event: 'wait_begun', level: 'warn', ...waiting },
      { event: 'wait_lasts', level: 'warn', ...waiting, seconds: 60.3 },
      { event: 'wait_ended', level: 'warn', ...waiting, seconds: 62.5 },
    ]);
  });
});
