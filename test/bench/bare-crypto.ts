import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { rounded } from './percentile.ts';

export interface BareFigures {
  readonly per_second: number;
  /** Processor time of one. */
  readonly cpu_us: number;
}

/** How fast this machine checks one P-256 signature after another on one core, with nothing around it. */
export function measureBareP256(durationMs: number): BareFigures {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const samples = Array.from({ length: 64 }, () => {
    const message = randomBytes(69);
    return { message, signature: sign('sha256', message, privateKey) };
  });
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  let done = 0;
  while (performance.now() - started < durationMs) {
    for (const { message, signature } of samples) {
      if (!verify('sha256', message, publicKey, signature)) throw new Error('expected it to hold');
    }
    done += samples.length;
  }
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    per_second: rounded(done / seconds, 0),
    cpu_us: rounded((user + system) / done, 1),
  };
}
