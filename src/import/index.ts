/**
 * Takes over another product's factors. The sign-in reaches this folder through the rules and the notice that `createMfa`
 * hands to it; no other file of the plugin imports the folder.
 */
export {
  IMPORT_FIELDS,
  type FieldsToImport,
  type ImportFault,
  type ImportWarning,
} from './fields.ts'
export { importFactors, type ImportOutcome } from './import-factors.ts'
export { endingNotice } from './notice.ts'
export { importRules } from './rules.ts'
