import { objectIn } from '../../../domain/json.ts'

/** Values of an export, whose members may be missing or of another type than its product writes. */
type Members = Readonly<Record<string, unknown>>

/** The members of an object, or of JSON text of one; none of anything else. */
export function membersOf(value: unknown): Members {
  return objectIn(value) ?? {}
}

export function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : []
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

/** A member where the value is a text, and none where it is not. */
export function textIn(name: string, value: unknown): Members {
  return isText(value) ? { [name]: value.trim() } : {}
}
