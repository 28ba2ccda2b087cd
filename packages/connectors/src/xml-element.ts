import { SaxesParser } from 'saxes';
import { fromUtf8 } from '@countersign/canonical';
import { ConnectorError } from './connector-error.ts';

export interface XmlElement {
  readonly name: string;
  readonly namespace: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Its own text, without the space around it. */
  readonly text: string;
}

const MAX_BYTES = 64 * 1024 * 1024;
const MAX_DEPTH = 64;

interface Draft extends XmlElement {
  readonly children: Draft[];
  text: string;
}

/**
 * Reads a file of a bank: well-formed XML with namespaces, and no document type, which could bring entities or files.
 *
 * @throws {ConnectorError} RECORD_FORMAT, RECORD_LIMIT
 */
export function parseXml(bytes: Uint8Array): XmlElement {
  if (bytes.length > MAX_BYTES) {
    throw new ConnectorError('RECORD_LIMIT', `expected at most ${MAX_BYTES} bytes of XML`);
  }
  const open: Draft[] = [];
  let root: Draft | undefined;
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', (error) => {
    throw new ConnectorError('RECORD_FORMAT', 'expected well-formed XML', { cause: error });
  });
  parser.on('doctype', () => {
    throw new ConnectorError('RECORD_FORMAT', 'expected XML without a document type');
  });
  parser.on('opentag', (tag) => {
    if (open.length === MAX_DEPTH) {
      throw new ConnectorError('RECORD_LIMIT', `expected at most ${MAX_DEPTH} elements in another`);
    }
    const element: Draft = {
      name: tag.local,
      namespace: tag.uri,
      attributes: new Map(Object.values(tag.attributes).map(({ name, value }) => [name, value])),
      children: [],
      text: '',
    };
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  const addText = (text: string): void => {
    const element = open.at(-1);
    if (element !== undefined) element.text += text;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    const element = open.pop();
    if (element !== undefined) element.text = element.text.trim();
  });
  parser.write(fromUtf8(bytes)).close();
  if (root === undefined) throw new ConnectorError('RECORD_FORMAT', 'expected one element');
  return root;
}

/** All elements at the end of a path of names. */
export function elementsAt(element: XmlElement, path: string): readonly XmlElement[] {
  return path
    .split('/')
    .reduce<readonly XmlElement[]>(
      (found, name) =>
        found.flatMap(({ children }) => children.filter((child) => child.name === name)),
      [element],
    );
}

/** The text of the first such element, or undefined. */
export function textAt(element: XmlElement, path: string): string | undefined {
  const text = elementsAt(element, path)[0]?.text;
  return text === '' ? undefined : text;
}
