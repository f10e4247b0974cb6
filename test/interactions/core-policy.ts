import type { Core } from '../../interactions/core.ts'
import { DEFAULT_LEVELS } from '../../src/domain/policy/levels.ts'
import { NO_POLICY } from '../../src/domain/policy/rules.ts'

/** The members of a core that the policy reads, of an application without rules. */
export const corePolicy = {
  sessionSeconds: 86_400,
  policy: { levels: DEFAULT_LEVELS, present: () => NO_POLICY },
  upstream: new Map(),
  demands: async () => [],
  groupsOf: async () => [],
  isWithin: () => () => false,
  isFirstParty: () => false,
  maySignIn: async () => true,
} satisfies Partial<Core>
