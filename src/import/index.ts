/**
 * The import of another product's factors. The sign-in uses this folder only through the rules and the notice that
 * `createMfa` gives to it; no other file of the plugin imports the folder.
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
