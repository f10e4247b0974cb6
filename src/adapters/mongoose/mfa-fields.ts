import type { Model } from 'mongoose'
import { MfaError } from '../../domain/errors.ts'
import { systemClock } from '../crypto/system.ts'
import { MFA_FIELD, USER_HANDLES_PATH } from './field.ts'
import { handleIndexOf } from './handle-index.ts'
import { guardReads } from './user-read.ts'
import { guardWrites } from './write-guard.ts'

export interface MfaFieldsOptions {
  /**
   * The path of a user's password or its hash. A write to it ends the sessions and grants of the old password. `false`:
   * the application calls `mfa.accounts.passwordChanged` itself, after every change.
   */
  readonly passwordPath: string | false
}

/** The members of a Mongoose schema that the plugin uses. */
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
  // The index is declared here too, because `Model.syncIndexes()` drops each index that the schema does not declare.
  const { name, key, options: indexOptions } = handleIndexOf('', USER_HANDLES_PATH)
  schema.index(key as object, { ...indexOptions, name })

  schema.on('init', (model) => {
    // This is checked late, because an application may add fields after the plugin.
    if (passwordPath !== false && !hasPath(schema, passwordPath))
      throw invalid(`the schema has no path ${passwordPath} (option passwordPath)`)
    guardWrites(model, passwordPath, () => systemClock.now())
    guardReads(model.collection)
  })

  // A query that selects the field gets a document without it, so no later transformation can put it into a response.
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
