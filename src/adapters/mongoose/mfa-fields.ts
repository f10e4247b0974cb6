import type { Model } from 'mongoose'
import { MfaError } from '../../domain/errors.ts'
import { systemClock } from '../crypto/system.ts'
import { MFA_FIELD, USER_HANDLES_PATH } from './field.ts'
import { handleIndexOf } from './handle-index.ts'
import { guardWrites } from './write-guard.ts'

export interface MfaFieldsOptions {
  /**
   * Where a user's password, or its hash, is: whoever writes it ends what the old one has signed in. `false`: the
   * application calls `mfa.accounts.passwordChanged` itself, after every change.
   */
  readonly passwordPath: string | false
}

/** What the plugin needs of a schema of Mongoose. */
export interface UserSchema {
  pathType(path: string): string
  get(option: 'strict'): unknown
  add(fields: object): unknown
  index(fields: object, options: object): unknown
  on(event: 'init', listener: (model: Model<never>) => void): unknown
  pre(method: 'init', hook: (user: Record<string, unknown>) => void): unknown
}

/**
 * A plugin for the application's own user schema: `userSchema.plugin(mfaFields, { passwordPath: 'passwordHash' })`,
 * before the model is made. It adds the sub-document `mfa`, which is never selected and never in a document, and the
 * index `mfa_handles`. Only the storage may write the sub-document: other writes throw MfaError `fields-protected`, and
 * replacements keep it.
 *
 * Throws MfaError `options-invalid`: no `passwordPath`, or one that the schema does not have; a field `mfa` of the
 * application's own.
 */
export function mfaFields(schema: UserSchema, options: MfaFieldsOptions): void {
  const passwordPath = checkedPath(options)
  if (schema.pathType(MFA_FIELD) !== 'adhocOrUndefined')
    throw invalid(`the schema has a field ${MFA_FIELD} already`)
  schema.add({ [MFA_FIELD]: { type: 'Mixed', select: false } })
  // Declared here too: `Model.syncIndexes()` drops each index that the schema does not declare.
  const { name, key, options: indexOptions } = handleIndexOf('', USER_HANDLES_PATH)
  schema.index(key as object, { ...indexOptions, name })

  schema.on('init', (model) => {
    // Only now are all fields there: an application may add some after the plugin.
    if (passwordPath !== false && !hasPath(schema, passwordPath))
      throw invalid(`the schema has no path ${passwordPath} (option passwordPath)`)
    guardWrites(model, passwordPath, () => systemClock.now())
  })

  // Whoever selects it gets a document without it: what is not there is in no answer, whatever transforms it.
  schema.pre('init', (user) => {
    delete user[MFA_FIELD]
  })
}

function checkedPath(options: unknown): string | false {
  const { passwordPath } = (options ?? {}) as Record<string, unknown>
  if (passwordPath === false || (typeof passwordPath === 'string' && passwordPath !== ''))
    return passwordPath
  throw invalid(
    "passwordPath is missing: name the path of the password's hash, or say `passwordPath: false` and call mfa.accounts.passwordChanged after every change",
  )
}

function hasPath(schema: UserSchema, path: string): boolean {
  return ['real', 'nested'].includes(schema.pathType(path)) || schema.get('strict') === false
}

function invalid(fault: string): MfaError {
  return new MfaError('options-invalid', `mfaFields: ${fault}`)
}
