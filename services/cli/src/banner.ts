import { relative, resolve } from 'node:path';
import type { CliContext } from './context.ts';
import { enrolmentLinks, readIfThere } from './data-folder.ts';
import { DEFAULT_DATA } from './ledger-access.ts';
import type { OpenData } from './open-data.ts';
import type { Output } from './output.ts';

type BannerContext = Pick<CliContext, 'stdout' | 'command' | 'cwd'>;

/**
 * Tells where everything is. The enrolment link itself makes its reader the first person of the ledger, so it is shown
 * to a terminal only: never to a pipe, a log or a JSON object.
 */
export async function printBanner(data: OpenData, context: BannerContext): Promise<void> {
  const { mark, folder, trust } = data;
  const { stdout } = context;
  const links = await openLinks(enrolmentLinks(folder, mark));
  const lines = [
    `Countersign ledger ${mark.origin}${mark.demo ? ' (a demonstration: its evidence proves nothing)' : ''}`,
    `  address     ${mark.url}`,
    `  data        ${folder.path}`,
    `  genesis     ${trust.genesis}`,
    `  trust file  ${folder.trustFile}`,
    ...enrolment(links, stdout),
    '',
    ...nextCommands(data, context),
    '',
  ];
  stdout.lines(...lines);
}

interface OpenLink {
  readonly path: string;
  readonly link: string;
}

async function openLinks(paths: readonly string[]): Promise<readonly OpenLink[]> {
  const links: OpenLink[] = [];
  for (const path of paths) {
    const link = (await readIfThere(path))?.trim();
    if (link !== undefined) links.push({ path, link });
  }
  return links;
}

function enrolment(links: readonly OpenLink[], { isTty }: Output): string[] {
  const [first, ...others] = links;
  if (first === undefined) return [];
  const kept = [
    `  enrolment   ${first.path} (open the link in it once, to enrol the first passkey)`,
    ...others.map(({ path }) => `              ${path} (hand it over to another founder)`),
  ];
  if (!isTty) return kept;
  return [
    ...kept,
    '',
    'Open this link in your browser to enrol the first passkey:',
    `  ${first.link}`,
  ];
}

/** Commands that work as they stand when they are typed in the folder where the ledger was started. */
function nextCommands({ folder, mark }: OpenData, { command, cwd }: BannerContext): string[] {
  const isDefault = folder.path === resolve(cwd, DEFAULT_DATA);
  const data = isDefault ? '' : ` --data ${shellWord(folder.path)}`;
  const trust = isDefault ? relative(cwd, folder.trustFile) : folder.trustFile;
  return [
    'Then, in another terminal in this folder:',
    `  ${command} exec${data} --purpose "try it" -- echo hello`,
    `  ${command} evidence${data} ACTION_ID -o evidence.json`,
    `  ${command} verify evidence.json --trust ${shellWord(trust)}${mark.demo ? ' --allow-demo' : ''}`,
  ];
}

/** One word of a shell's line. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text)
    ? text
    : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** What a program is told at the start; the link stays in its file. */
export function readyFacts({ mark, folder, trust, isNew }: OpenData): Record<string, unknown> {
  return {
    url: mark.url,
    origin: mark.origin,
    genesis: trust.genesis,
    data: folder.path,
    trust: folder.trustFile,
    enrolment_link_file: folder.enrolmentLink,
    ...(mark.cofounders !== undefined && {
      enrolment_link_files: enrolmentLinks(folder, mark),
    }),
    is_new: isNew,
  };
}
