import { describe, expect, it } from 'vitest';
import { iamClient } from '../demo/moto-iam.ts';
import { CLUSTER_USAGE, readClusterOptions } from '../demo/cluster-options.ts';
import { stage } from '../demo/stage.ts';

describe('the demo', () => {
  it('counts the attacks that it plays', () => {
    const before = stage.attacks;
    stage.refused('one attack', 'CODE_OF_IT');
    stage.refused('another', 'CODE_OF_IT');
    stage.held('no attack');
    expect(stage.attacks - before).toBe(2);
  });

  it('keeps quiet about the Node of later SDKs, and about nothing else', async () => {
    const warnings: string[] = [];
    const listen = ({ message }: Error): void => {
      warnings.push(message);
    };
    process.on('warning', listen);
    try {
      iamClient('http://127.0.0.1:9').destroy();
      process.emitWarning('something else');
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off('warning', listen);
    }
    expect(warnings).toEqual(['something else']);
  });
});

describe('the options of `npm run cluster`', () => {
  it('have defaults, and a help that names each of them', () => {
    const options = readClusterOptions(['--ledgers', '3']);
    expect(options).toEqual({ port: 7420, ledgers: 3, projectors: 2, gateways: 1 });
    for (const name of Object.keys(options)) expect(CLUSTER_USAGE).toContain(`--${name} `);
    expect(readClusterOptions(['--help'])).toBe('help');
  });

  it.each([
    [['--ports', '1'], /--ports/],
    [['--ledgers', 'two'], /--ledgers: expected a number from 1 to 9, got two/],
    [['--port', '0'], /--port: expected a number from 1 to 65535, got 0/],
    [['stray'], /stray/],
  ])('that are wrong are named: %j', (args, message) => {
    const wrong = readClusterOptions(args);
    expect(wrong instanceof Error && wrong.message).toMatch(message);
  });
});
