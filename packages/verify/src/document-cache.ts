import { digestOf, utf8, type Digest, type JsonObject } from '@countersign/canonical';
import { parsePolicy, type Policy } from '@countersign/binding';
import {
  loadDescriptor,
  parseAction,
  renderWithDigest,
  type Action,
  type Descriptor,
  type Rendering,
} from '@countersign/descriptors';
import { BoundedCache } from './bounded-cache.ts';
import { sameJson } from './same-json.ts';

interface Known<Read> {
  readonly document: JsonObject;
  readonly read: Read;
}

/** Action types and policies that one verifier remembers. */
const DOCUMENTS_MAX = 64;

/** Actions that one verifier remembers: an executor verifies before it waits, and again before it runs. */
const ACTIONS_MAX = 64;

/** Descriptors and policies by the digest that an admission holds. Each is hashed and read once. */
export class DocumentCache {
  readonly #descriptors = new BoundedCache<Known<Descriptor>>(DOCUMENTS_MAX);
  readonly #policies = new BoundedCache<Known<Policy>>(DOCUMENTS_MAX);

  readonly #actions = new BoundedCache<Action>(ACTIONS_MAX);
  readonly #displays = new BoundedCache<Rendering>(ACTIONS_MAX);

  /** The action of this exact text. @throws DescriptorError, CanonicalError */
  action(text: string): Action {
    const known = this.#actions.get(text);
    if (known !== undefined) return known;
    const action = parseAction(utf8(text));
    this.#actions.set(text, action);
    return action;
  }

  /** What a person is shown of it. @throws DescriptorError */
  rendered(descriptor: Descriptor, action: Action): Rendering {
    const key = `${descriptor.digest} ${action.digest}`;
    const known = this.#displays.get(key);
    if (known !== undefined) return known;
    const rendered = renderWithDigest(descriptor, action);
    this.#displays.set(key, rendered);
    return rendered;
  }

  /** The descriptor, or undefined when the document is not the one of this digest. @throws DescriptorError */
  descriptor(digest: Digest, document: JsonObject): Descriptor | undefined {
    return lookUp(this.#descriptors, { digest, document }, () => {
      const isNamed = digestOf('countersign/descriptor/v1', document) === digest;
      return isNamed ? loadDescriptor(document) : undefined;
    });
  }

  /** The policy, or undefined when the document is not the one of this digest. @throws BindingError */
  policy(digest: Digest, document: JsonObject): Policy | undefined {
    return lookUp(this.#policies, { digest, document }, () => {
      const isNamed = digestOf('countersign/policy/v1', document) === digest;
      return isNamed ? parsePolicy(document) : undefined;
    });
  }
}

function lookUp<Read>(
  cache: BoundedCache<Known<Read>>,
  wanted: { readonly digest: Digest; readonly document: JsonObject },
  read: () => Read | undefined,
): Read | undefined {
  const { digest, document } = wanted;
  const known = cache.get(digest);
  // Comparing is much cheaper than writing the document again and hashing it.
  if (known !== undefined) return sameJson(known.document, document) ? known.read : undefined;
  const fresh = read();
  if (fresh !== undefined) cache.set(digest, { document, read: fresh });
  return fresh;
}
