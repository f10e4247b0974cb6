import { IMPORT_FIELDS, type FieldsToImport } from '../../index.ts'

/** Where an application's users keep their second factor: from the name that an import reads to the path in a document. */
export type LegacyFields = ReadonlyMap<string, string>

/** Short names of the most common fields, for the option `--field`. */
const KINDS = {
  enabled: /enabled$/i,
  confirmed: /confirmed_?at$/i,
  secret: /secret$/i,
  codes: /codes$/i,
} as const
type Kind = keyof typeof KINDS

export const FIELD_KINDS = Object.keys(KINDS) as readonly Kind[]

/**
 * An application's `totp` field may hold anything, such as an object with its own flag, and an enrolment must not rest
 * on a guess. The other names say how to read a file, and are options of the command here.
 */
const ONLY_IF_TOLD = [
  'totp',
  'secretEncoding',
  'secret_encoding',
  'backupCodeForm',
  'backup_code_form',
]

/** Field names with dots between them. Excludes `$`, with which operators of the database begin. */
const PATH = /^[^\s.$\0]+(?:\.[^\s.$\0]+)*$/
const NOT_A_FIELD = /(?:^|\.)__proto__(?:\.|$)|^_id(?:\.|$)/

/**
 * Reads options such as `secret=twoFactor.secret`. A given name replaces all names of its kind. Undefined: one of the
 * options is invalid.
 */
export function readLegacyFields(told: readonly string[]): LegacyFields | undefined {
  const fields = new Map(
    IMPORT_FIELDS.filter((name) => !ONLY_IF_TOLD.includes(name)).map((name) => [name, name]),
  )
  for (const option of told) {
    const [, name = '', path = ''] = /^([^=]*)=(.*)$/s.exec(option) ?? []
    const kind = FIELD_KINDS.find((kind) => kind === name || KINDS[kind].test(name))
    const known = IMPORT_FIELDS.find((field) =>
      kind === undefined ? field === name : KINDS[kind].test(field),
    )
    if (known === undefined || !PATH.test(path) || NOT_A_FIELD.test(path)) return undefined
    if (kind !== undefined)
      for (const field of [...fields.keys()]) if (KINDS[kind].test(field)) fields.delete(field)
    fields.set(known, path)
  }
  return fields
}

/**
 * The fields that a document has, under the names that an import reads. Empty fields are left out, except the flag
 * beside others: a flag that is present and empty was never set, and so was a missing one whose path an option names.
 */
export function legacyFieldsOf(
  document: Readonly<Record<string, unknown>>,
  fields: LegacyFields,
): FieldsToImport {
  const all = [...fields].map(([name, path]) => [name, valueAt(document, path)] as const)
  const found = all.filter(([, value]) => !isEmpty(value))
  if (found.length === 0) return {}
  const unset = [KINDS.enabled, KINDS.confirmed].flatMap((kind) => {
    const flags = all.filter(([name]) => kind.test(name))
    // There are several common names; a name from an option is the only one of its kind.
    const isTold = flags.length === 1
    return flags.filter(([, value]) => isEmpty(value) && (isTold || value !== undefined))
  })
  return Object.fromEntries([...found, ...unset.map(([name]) => [name, null] as const)])
}

export function valueAt(document: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (at, key) =>
        typeof at === 'object' && at !== null && Object.hasOwn(at, key)
          ? (at as Record<string, unknown>)[key]
          : undefined,
      document,
    )
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === '' ||
    (Array.isArray(value) && value.length === 0)
  )
}
