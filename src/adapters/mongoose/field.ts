/** The sub-document of a user that holds the record of the second factor. */
export const MFA_FIELD = 'mfa'

/** The handles of a record, as an array beside its text. The field is absent where the record has none. */
export const HANDLES_FIELD = 'handles'

/** Where the handles are in a user document. */
export const USER_HANDLES_PATH = `${MFA_FIELD}.${HANDLES_FIELD}`
