/** The sub-document of a user that is ours. */
export const MFA_FIELD = 'mfa'
