import { EVENT_TYPES } from '../../domain/events.ts'
import { backupCodes } from '../../index.ts'
import { SERVER_EVENTS } from './audit.ts'

/** Every type that an entry of the trail may have, in alphabetical order. */
export const AUDITED_TYPES: ReadonlySet<string> = new Set(
  [...EVENT_TYPES, ...(backupCodes().eventTypes ?? []), ...SERVER_EVENTS].sort(),
)
