import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { childEnvironment, environmentFacts } from '../src/child-environment.ts';
import { codeOf } from './refusal.ts';

const ENV = { HOME: '/home/x', B: 'b', A: 'a', TOKEN: 'very secret', PATH: '/bin' };
const from = { env: ENV, randomBytes: (size: number) => new Uint8Array(randomBytes(size)) };

describe('the environment of a command', () => {
  it('is exactly what was named, sorted, and nothing is inherited', () => {
    const facts = environmentFacts({ env: ['B', 'A'], secretEnv: ['TOKEN'] }, from);
    expect(facts.env.map(({ name }) => name)).toEqual(['A', 'B']);
    expect(childEnvironment(facts, ENV)).toEqual({ A: 'a', B: 'b', TOKEN: 'very secret' });
  });

  it('holds a secret as a salted digest only: another salt, another digest (H09)', () => {
    const names = { env: [], secretEnv: ['TOKEN'] };
    const [one, two] = [environmentFacts(names, from), environmentFacts(names, from)];
    expect(JSON.stringify(one)).not.toContain('very secret');
    expect(one.secret_env[0]?.digest).not.toBe(two.secret_env[0]?.digest);
  });

  it('refuses to start with a secret that is not the approved one (A01)', async () => {
    const facts = environmentFacts({ env: [], secretEnv: ['TOKEN'] }, from);
    const changed = codeOf(() => childEnvironment(facts, { ...ENV, TOKEN: 'another' }));
    expect(await changed).toBe('ACTION_DIGEST_MISMATCH');
    expect(await codeOf(() => childEnvironment(facts, {}))).toBe('ENV_MISSING');
  });

  it('gives the clear values that were approved, whatever the environment holds now (A01)', () => {
    const facts = environmentFacts({ env: ['A'], secretEnv: [] }, from);
    expect(childEnvironment(facts, { A: 'changed' })).toEqual({ A: 'a' });
  });

  it('refuses a name twice, the name we set ourselves, and one that is not set', async () => {
    const refused = (env: string[], secretEnv: string[]): Promise<string> =>
      codeOf(() => environmentFacts({ env, secretEnv }, from));
    expect(await refused(['A', 'A'], [])).toBe('ENV_REPEATED');
    expect(await refused(['TOKEN'], ['TOKEN'])).toBe('ENV_REPEATED');
    expect(await refused(['COUNTERSIGN_USE'], [])).toBe('ENV_REPEATED');
    expect(await refused(['NOT_SET'], [])).toBe('ENV_MISSING');
    expect(await refused([], ['LD_PRELOAD'])).toBe('ENV_NOT_SECRET');
  });

  it('hides credentials only, and says what they are called (A01)', () => {
    const hide = (): unknown => environmentFacts({ env: [], secretEnv: ['TAR_OPTIONS'] }, from);
    expect(hide).toThrow(/TAR_OPTIONS: expected the name of a credential .*TOKEN.*_KEY.*_DSN/);
    expect(hide).toThrow(
      expect.objectContaining({ hint: '--env TAR_OPTIONS passes it on, shown in clear' }),
    );
  });
});
