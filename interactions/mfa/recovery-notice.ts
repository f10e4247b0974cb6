import { recoveryState } from '../../src/domain/recovery.ts'
import type { Notice } from '../notice.ts'

/** Asks a person who has just proved a factor whether the recovery that is in progress is theirs. */
export const RECOVERY_NOTICE: Notice<'recovery-status'> = {
  page: 'recovery-status',
  model({ record, now }, form) {
    const state = recoveryState(record, now)
    return state.state === 'none' ? undefined : { ...form, state: state.state, until: state.until }
  },
}
