import type { Display } from '@countersign/descriptors';
import { utf8 } from '@countersign/canonical';
import { BUILTIN_DESCRIPTORS, parseAction, render } from '@countersign/descriptors';
import { expectEqual, stage } from './stage.ts';

/** What the person sees, rendered here from the canonical action, as their page would. */
export function showDisplay(actionText: string, linesMax: number): Display {
  const action = parseAction(utf8(actionText));
  const descriptor = BUILTIN_DESCRIPTORS.find(
    ({ type, typeVersion }) =>
      type === action.envelope.type && typeVersion === action.envelope.type_version,
  );
  if (descriptor === undefined) throw new Error(`expected a descriptor of ${action.envelope.type}`);
  const display = render(descriptor, action);
  expectEqual(display.type.startsWith(action.envelope.type), true, 'type of the display');
  for (const warning of display.warnings) stage.detail(`! ${warning}`);
  const shown = display.lines.slice(0, linesMax);
  for (const { label, value } of shown) stage.detail(`${label}: ${value}`);
  const hidden = display.lines.length - shown.length;
  if (hidden > 0) stage.detail(`… and ${hidden} more lines, which the page shows in full`);
  return display;
}
