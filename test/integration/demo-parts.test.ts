import { describe, expect, it } from 'vitest';
import { iamClient } from '../demo/moto-iam.ts';
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
