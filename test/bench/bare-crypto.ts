import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { rounded } from './percentile.ts';

/** How fast this machine checks one P-256 signature after another on one core, with nothing around it. */
export function bareP256PerSecond(durationMs = 1_500): number {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const samples = Array.from({ length: 64 }, () => {
    const message = randomBytes(69);
    return { message, signature: sign('sha256', message, privateKey) };
  });
  const started = performance.now();
  let done = 0;
  while (performance.now() - started < durationMs) {
    for (const { message, signature } of samples) {
      if (!verify('sha256', message, publicKey, signature)) throw new Error('expected it to hold');
    }
    done += samples.length;
  }
  return rounded((done / (performance.now() - started)) * 1_000, 0);
}
