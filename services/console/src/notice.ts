import { ConsoleError } from './console-error.ts';
import { h, paragraph, type Child } from './element.ts';
import { isCalm, plainWords } from './plain-words.ts';
import { ServerProblem } from './server-problem.ts';

/** A failure that people can be told of; anything else is a bug, and goes on. */
export function isTellable(error: unknown): error is ConsoleError | ServerProblem {
  return error instanceof ConsoleError || error instanceof ServerProblem;
}

/** What went wrong, its code, what to do. Red, and read out at once, unless nothing is wrong with what was asked. */
export function failureNotice(error: ConsoleError | ServerProblem, heading: string): HTMLElement {
  const { meaning, advice } = plainWords(error.code);
  const logged = error instanceof ServerProblem ? error.logged : undefined;
  return notice(
    isCalm(error.code) ? 'caution' : 'alarm',
    heading,
    paragraph(meaning),
    paragraph(advice),
    h(
      'p',
      { class: 'small' },
      'Code: ',
      h('code', { class: 'code' }, error.code),
      ` (${error.message})`,
      logged === undefined ? undefined : `. The refusal is entry ${logged.index} of the log.`,
    ),
  );
}

type Tone = 'alarm' | 'good' | 'caution' | 'plain';

/** Tones differ in words and shape too, never in colour alone. */
export function notice(tone: Tone, heading: string, ...children: readonly Child[]): HTMLElement {
  const isAlarm = tone === 'alarm';
  return h(
    'div',
    { class: `notice ${tone}`, role: isAlarm ? 'alert' : 'status', tabindex: '-1' },
    h('h2', { class: 'notice-heading' }, heading),
    ...children,
  );
}
