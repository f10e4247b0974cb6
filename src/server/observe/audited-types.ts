import { EVENT_TYPES } from '../../domain/events.ts'
import { FACTOR_EVENT_TYPES } from '../boot/factors.ts'
import { SERVER_EVENTS } from './audit.ts'

/** Every type that an entry of the trail may have, in alphabetical order. */
export const AUDITED_TYPES: ReadonlySet<string> = new Set(
  [...EVENT_TYPES, ...FACTOR_EVENT_TYPES, ...SERVER_EVENTS].sort(),
)
