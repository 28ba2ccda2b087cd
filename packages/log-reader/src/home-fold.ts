import { boundChangeIn } from '@countersign/binding';

/** How a log has moved, as the partition sees it that is read. schemas/formats/batch-and-wire.md §4.1 */
export interface Homing {
  /** Where the log goes on; set once it has left this partition, whose log then has ended. */
  readonly movedTo: number | undefined;
  /** One of these entries has brought it here. */
  readonly hasArrived: boolean;
}

/** What these entries of a log say of the partition that they were read from. */
export function homingIn(
  entries: readonly { readonly bytes: Uint8Array }[],
  partition: number,
): Homing {
  let movedTo: number | undefined;
  let hasArrived = false;
  for (const { bytes } of entries) {
    const change = boundChangeIn(bytes);
    if (change?.kind !== 'home-moved') continue;
    if (change.from === partition) movedTo = change.to;
    if (change.to === partition) hasArrived = true;
  }
  return { movedTo, hasArrived };
}
