export { noteSignerContract, type NoteSignerSubject } from './testing/note-signer-contract.ts';
