/**
 * Taking over another product's factors: what of it the plugin stands on. The sign-in reaches it through `rules` and
 * `notices`, which `createMfa` hands to it; nothing else of the plugin imports this folder.
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
