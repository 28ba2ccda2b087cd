import { canonicalBytes, fromUtf8, utf8 } from '@countersign/canonical';
import { type CrowdState, PUBLIC_TOPICS } from './crowd-state.ts';
import type { Frame } from './signed-truth.ts';
import { toyEd25519, toyFrame } from './toy-signature.ts';

/** What was sent before, once more: a client that retries, or a broker that delivers twice. */
export function again(crowd: CrowdState): boolean {
  const { random } = crowd.world;
  const frame = random.ofOrNone(random.chance(0.5) ? crowd.sent.slice(-5) : crowd.sent);
  if (frame === undefined) return false;
  crowd.inBackground(crowd.deliver(random.chance(0.4) ? respelled(frame) : frame));
  return true;
}

export function junk(crowd: CrowdState): boolean {
  const { random, disk } = crowd.world;
  switch (random.weighted({ intake: 1, topic: 2, log: 2, stranger: 2, route: 1 })) {
    case 'intake':
      disk.append({ topic: 'intake', partition: 0 }, [{ key: 'junk', value: random.bytes(20) }]);
      return true;
    case 'topic': {
      const topic = random.of(Object.values(PUBLIC_TOPICS));
      disk.append({ topic, partition: 0 }, [{ key: 'junk', value: random.bytes(20) }]);
      return true;
    }
    case 'log':
      return junkInLog(crowd);
    case 'stranger': {
      const key = toyEd25519('nobody we know');
      const bytes = toyFrame(key, 'request', canonicalBytes({ v: 'x' }));
      crowd.inBackground(crowd.deliver({ kind: 'request', actionId: crowd.ulid(), bytes }));
      return true;
    }
    case 'route': {
      const frame = random.ofOrNone(crowd.sent.filter(isRoutedByAction));
      if (frame === undefined) return false;
      crowd.publish({ ...frame, actionId: crowd.ulid() });
      return true;
    }
  }
}

/** Whoever may produce to the log topic may put there what is there already, and what is nothing. */
function junkInLog(crowd: CrowdState): boolean {
  const { random, disk } = crowd.world;
  const old = random.ofOrNone(disk.recordsOf('log'));
  const value = random.chance(0.5) ? old?.value : random.bytes(30);
  disk.append({ topic: 'log', partition: 0 }, [{ key: 'junk', value: value ?? random.bytes(5) }]);
  return true;
}

/** The same JSON in other bytes: another input, which means the same. */
function respelled({ bytes, ...rest }: Frame): Frame {
  return { ...rest, bytes: utf8(JSON.stringify(JSON.parse(fromUtf8(bytes)), undefined, 1)) };
}

function isRoutedByAction({ kind, actionId }: Frame): boolean {
  return kind in PUBLIC_TOPICS && actionId !== '';
}
