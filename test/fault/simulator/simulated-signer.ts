import type { NoteSigner } from '@countersign/tlog';
import { ORIGIN } from './population.ts';
import type { World } from './world.ts';

export class SignerUnavailable extends Error {
  override readonly name = 'SignerUnavailable';
  readonly code = 'SIGNER_UNAVAILABLE';
}

/** The log key, somewhere else: a signature may be made and never arrive, and the key may be away. */
export function simulatedSigner(world: World, owner: string): NoteSigner {
  const { population, schedule, random, faults } = world;
  const sign = (message: Uint8Array): Promise<Uint8Array> =>
    new Promise((resolve, reject) => {
      const answer = (says: string, settle: () => void): string => {
        schedule.add({
          owner,
          label: 'answer',
          isReady: () => true,
          run: () => {
            settle();
            return says;
          },
        });
        return says;
      };
      const away = (): void => {
        reject(new SignerUnavailable('the simulation keeps the key away'));
      };
      schedule.add({
        owner,
        label: 'sign',
        isReady: () => true,
        run: () => {
          if (faults.isSignerAway) return answer('away', away);
          world.guard(() => {
            world.log.signs(message);
          });
          world.count('signatures');
          if (random.chance(faults.signerFails)) return answer('unheard', away);
          return answer('signed', () => {
            resolve(population.logKey.sign(message));
          });
        },
      });
    });
  return { name: ORIGIN, vkey: population.vkey, sign };
}
