import { z } from 'zod'
import { custom, integer } from './option.ts'

/** The group `policy` of CONFIG_FILE. The server's start reads the rules themselves, which name factors and levels. */
export const policyOptions = {
  rules: custom({
    schema: z.array(z.unknown(), { error: 'must be a list of rules' }).default([]),
    type: 'list of rules',
    default: 'none',
    doc: 'Who needs which level, when, beside `mfa.required`; all rules that match a sign-in combine to the strictest.',
  }),
  shadow: custom({
    schema: z.array(z.unknown(), { error: 'must be a list of rules' }).default([]),
    type: 'list of rules',
    default: 'none',
    doc: 'Rules that decide beside the others, without effect: the audit trail says where the two differ.',
  }),
  trustedBrowserSeconds: integer({
    min: 0,
    max: 2_592_000,
    default: 0,
    unit: 'seconds',
    doc: 'For how long a person can trust a browser, in place of the second factor; 0 offers no such choice.',
  }),
}

/** The setting `levels` of CONFIG_FILE, which is a list and no group. */
export const levelsOption = custom({
  schema: z.array(z.unknown(), { error: 'must be a list of levels' }).optional(),
  type: 'list of levels',
  default: 'password, multi-factor, phishing-resistant, phishing-resistant-hardware',
  doc: 'The levels of assurance from the weakest to the strongest, each `{ name, acr, kinds, phishingResistant, hardware }`.',
})
