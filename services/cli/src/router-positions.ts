import type { TopicPartition } from '@countersign/broker';
import type { RouterPositions } from '@countersign/ledger';
import { parseJsonFile, readIfThere, writePrivate } from './data-folder.ts';

/** How far the public topics of this folder were moved. Losing the file makes the router move them again, no more. */
export function filePositions(path: string): RouterPositions {
  const positions = new Map<string, number>();
  let loading: Promise<void> | undefined;
  const load = async (): Promise<void> => {
    const text = await readIfThere(path);
    if (text === undefined) return;
    for (const [name, offset] of Object.entries(parseJsonFile(text, path))) {
      if (typeof offset === 'number') positions.set(name, offset);
    }
  };
  return {
    load: async (from) => {
      loading ??= load();
      await loading;
      return positions.get(nameOf(from)) ?? 0;
    },
    save: async (from, nextOffset) => {
      positions.set(nameOf(from), nextOffset);
      await writePrivate(path, `${JSON.stringify(Object.fromEntries(positions))}\n`);
    },
  };
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
